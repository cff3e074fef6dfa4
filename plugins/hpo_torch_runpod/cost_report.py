"""What a run on rented hardware cost, by trial, from its folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hpo_torch.protocol.usage import Cost
from hpo_torch_runpod.ledger import Uploaded, settled_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpo_torch.results.records import TrialResult
    from hpo_torch_runpod.ledger import Line

COLUMNS = (
    *("trial", "state", "tier", "GPU", "jobs", "queued", "ran", "cost at least", "at most"),
    *("sent", "received"),
)
"""Of the table; all from the fifth on are figures."""

NUMERIC = len(COLUMNS) - 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCost:
    """What one trial used, all its attempts together.

    Attributes:
        trial: Its number.
        part: "search" or "confirmation".
        result: How it ended.
        cost: USD.
    """

    trial: int
    part: str
    result: TrialResult
    cost: Cost

    @property
    def queue_seconds(self) -> float:
        """Time in the queue and in cold starts."""
        return sum(usage.queue_seconds for usage in self.result.usage)

    @property
    def execution_seconds(self) -> float:
        """Time of execution."""
        return sum(usage.execution_seconds for usage in self.result.usage)

    @property
    def bytes_sent(self) -> int:
        """To RunPod."""
        return sum(usage.bytes_sent for usage in self.result.usage)

    @property
    def bytes_received(self) -> int:
        """From RunPod."""
        return sum(usage.bytes_received for usage in self.result.usage)

    def row(self) -> tuple[str, ...]:
        """Return the table's row."""
        usages = self.result.usage
        return (
            f"{self.trial}" if self.part == "search" else f"{self.part} {self.trial}",
            self.result.state,
            _distinct(usage.tier for usage in usages),
            _distinct(usage.gpu for usage in usages),
            str(len({usage.job for usage in usages})),
            f"{self.queue_seconds:.1f} s",
            f"{self.execution_seconds:.1f} s",
            *_dollars(self.cost),
            _kilobytes(self.bytes_sent),
            _kilobytes(self.bytes_received),
        )

    def record(self) -> dict[str, Any]:
        """Return everything as JSON, each attempt's usage included."""
        return {
            "trial": self.trial,
            "part": self.part,
            "state": self.result.state,
            "queue_seconds": self.queue_seconds,
            "execution_seconds": self.execution_seconds,
            "cost": self.cost.model_dump(),
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "attempts": [usage.model_dump(mode="json") for usage in self.result.usage],
        }


@dataclass(frozen=True, slots=True)
class CostReport:
    """What a run's ended trials cost.

    Attributes:
        trials: Those that used rented hardware: the search's, then the confirmation's.
        whole: What all attempts cost that are settled, as the ledger has it; None without any.
        uploaded: Bytes of the user's own data that were put into the bucket, for all trials.
    """

    trials: tuple[TrialCost, ...]
    whole: Cost | None = None
    uploaded: int = 0

    @classmethod
    def of(
        cls,
        searched: Iterable[TrialResult],
        confirmed: Iterable[TrialResult],
        ledger: Sequence[Line] = (),
    ) -> CostReport:
        """Take what ended trials used, and what the run's ledger knows besides.

        Trials of own hardware are left out.
        """
        settled = settled_usage(ledger)
        whole = Cost.of(settled.values()) if settled else None
        uploaded = sum(line.size for line in ledger if isinstance(line, Uploaded))
        parts = (("search", searched), ("confirmation", confirmed))
        trials = tuple(
            TrialCost(trial=each.trial, part=part, result=each, cost=Cost.of(each.usage))
            for part, results in parts
            for each in results
            if each.usage
        )
        return cls(trials, whole, uploaded)

    @property
    def total(self) -> Cost:
        """What the listed trials cost together."""
        return sum((trial.cost for trial in self.trials), Cost())

    @property
    def unlisted(self) -> Cost | None:
        """What attempts cost that no ended trial lists; None where there is nothing of it.

        They are of trials that have not ended, or their process did not live to hear their end.
        """
        if self.whole is None:
            return None
        lower, upper = self.whole.lower - self.total.lower, self.whole.upper - self.total.upper
        # Sums of floats in another order differ by so much.
        return Cost(lower=max(0.0, lower), upper=upper) if upper > 1e-9 else None  # noqa: PLR2004

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Ids of the endpoints that were used."""
        used = (usage.endpoint for trial in self.trials for usage in trial.result.usage)
        return tuple(dict.fromkeys(used))

    @property
    def price_sources(self) -> tuple[str, ...]:
        """Where the prices came from."""
        used = (usage.price_source for trial in self.trials for usage in trial.result.usage)
        return tuple(dict.fromkeys(used))

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table's rows, a total below them."""
        return [*(trial.row() for trial in self.trials), self._total_row()]

    def period(self) -> tuple[datetime, datetime]:
        """Return when its trials began and ended."""
        begun = [_moment(trial.result.started) for trial in self.trials]
        ended = [
            start + timedelta(seconds=trial.result.seconds)
            for start, trial in zip(begun, self.trials, strict=True)
        ]
        return min(begun), max(ended)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "trials": [trial.record() for trial in self.trials],
            "total": self.total.model_dump(),
            "unlisted": None if self.unlisted is None else self.unlisted.model_dump(),
            "bytes_uploaded": self.uploaded,
            "price_sources": list(self.price_sources),
        }

    def _total_row(self) -> tuple[str, ...]:
        trials = self.trials
        jobs = {usage.job for trial in trials for usage in trial.result.usage}
        return (
            *("total", "", "", "", str(len(jobs))),
            f"{sum(trial.queue_seconds for trial in trials):.1f} s",
            f"{sum(trial.execution_seconds for trial in trials):.1f} s",
            *_dollars(self.total),
            _kilobytes(sum(trial.bytes_sent for trial in trials)),
            _kilobytes(sum(trial.bytes_received for trial in trials)),
        )

    def remarks(self) -> list[str]:
        """Return what the table does not say, one line each."""
        remarks = []
        if (more := self.unlisted) is not None:
            lower, upper = _dollars(more)
            remarks.append(f"{lower} to {upper} more for attempts that no ended trial lists")
        if self.uploaded:
            size = _kilobytes(self.uploaded)
            remarks.append(f"{size} of own data were put into the bucket, once for all trials")
        return remarks


def _distinct(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name)) or "-"


def _dollars(cost: Cost) -> Sequence[str]:
    return f"${cost.lower:.5f}", f"${cost.upper:.5f}"


def _kilobytes(count: int) -> str:
    return f"{count / 1000:.1f} kB"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
