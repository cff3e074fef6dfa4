"""Where a search would train, and what it may cost, before it is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import OutputError
from hpo_torch.plugin_runs import RunPaths, RunSummary, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.plugin_api import BackendSpec
    from hpo_torch.plugin_runs import RunConfig
    from hpo_torch_server.job_row import JobRow
    from hpo_torch_server.readiness import Readings

AUTO: Final = "auto"
LOCAL: Final = "local"


@dataclass(frozen=True, slots=True)
class Place:
    """Where trials would run.

    Attributes:
        name: The execution backend's.
        reason: Why this one, and others not.
        remote: Whether it is rented hardware.
    """

    name: str
    reason: str
    remote: bool


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a search on rented hardware may cost, USD.

    Attributes:
        lower_usd: None without an earlier run to go by.
        upper_usd: At most `max_cost_usd`; likewise.
        max_cost_usd: Where the run ends at the latest; None without a limit.
        basis: What the estimate goes by.
    """

    lower_usd: float | None
    upper_usd: float | None
    max_cost_usd: float | None
    basis: str


def place_of(wanted: str, backends: Iterable[BackendSpec], readings: Readings) -> Place:
    """Return the backend that `execution.backend` would mean now.

    Args:
        wanted: The setting; "auto" takes a remote one that is ready, else the local one.
        backends: Those that are installed; `wanted` is one of them.
        readings: Which of them are ready.
    """
    by_name = {spec.name: spec for spec in backends}
    if wanted != AUTO:
        return Place(wanted, "asked for", by_name[wanted].remote)
    passed = []
    for name, found in readings.found.items():
        if not by_name[name].remote:
            continue
        if found.ready:
            return Place(name, f"auto: {found.reason}", remote=True)
        passed.append(f"not {name}: {found.reason}")
    local = readings.found.get(LOCAL)
    words = [local.reason if local else by_name[LOCAL].where, *passed]
    return Place(LOCAL, f"auto: {'; '.join(words)}", remote=False)


def estimate_cost(config: RunConfig, earlier: Iterable[JobRow]) -> CostEstimate:
    """Estimate the cost by the newest earlier job on the same data that cost something.

    Args:
        config: Of the search.
        earlier: Jobs to go by, newest first.
    """
    limit = config.execution.remote.max_cost
    for row in earlier:
        if row.config.get("data", {}).get("dataset") != config.data.dataset:
            continue
        try:
            summary = read_record(RunPaths(row.run).summary, RunSummary)
        except OutputError:
            continue
        trained = sum(summary.counts.values())
        if summary.cost is None or not trained:
            continue
        share = config.search.trials / trained
        upper = summary.cost.upper * share
        return CostEstimate(
            lower_usd=summary.cost.lower * share,
            upper_usd=upper if limit is None else min(upper, limit),
            max_cost_usd=limit,
            basis=f"{trained} trials of job {row.id}, whose networks and epochs may be others",
        )
    basis = f"no earlier job of yours has trained on rented hardware for '{config.data.dataset}'"
    return CostEstimate(None, limit, limit, basis)
