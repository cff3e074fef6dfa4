"""A run's money: which endpoint a trial goes to, what is set aside for it, what it has cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch_runpod.costs import Budget, longest_bill
from hpo_torch_runpod.endpoint_facts import IDLE_TIMEOUT
from hpo_torch_runpod.ledger import Settled
from hpo_torch_runpod.meter import Tariff
from hpo_torch_runpod.submission import execution_seconds
from hpo_torch_runpod.tiers import NoLargerTierError, choose_tier

if TYPE_CHECKING:
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch_runpod.ledger import Ledger, Submitting
    from hpo_torch_runpod.preflight import Preflight
    from hpo_torch_runpod.tiers import TierChoice


class Accounts:
    """Used by the study's thread alone.

    Args:
        preflight: Endpoints, prices, and the settings of the run.
        ledger: Of the run: what earlier processes spent counts.
    """

    def __init__(self, preflight: Preflight, ledger: Ledger) -> None:
        self._preflight, self._ledger = preflight, ledger
        self._settings = preflight.settings
        self._budget = Budget(self._settings.max_cost)
        for attempt, usage in ledger.settled().items():
            self._budget.settle(attempt, usage.cost_upper)
        for attempt, cost in ledger.held().items():  # unsettled: they may have cost so much
            if not self._budget.reserve(attempt, cost, 1.0):
                self._budget.settle(attempt, cost)
        self._largest: tuple[float, float] | None = None  # seconds and price of the last job
        self._full: dict[int, str] = {}  # by trial: the tier on which it ran out of memory

    @property
    def settled(self) -> dict[str, RemoteUsage]:
        """Return what attempts used that are settled, those of earlier processes included."""
        return self._ledger.settled()

    @property
    def affords_another(self) -> bool:
        """Whether one more job like the last one fits beside all that is set aside."""
        return self._fits(self._budget.reserved)

    def refusal(self, *, waiting: bool) -> str:
        """Return why no job like the last one fits any more; "" while one does, or may soon.

        Args:
            waiting: Whether jobs are in flight, of whose money some may come back.
        """
        if self._fits(0.0 if waiting else self._budget.reserved) or self._largest is None:
            return ""
        return self._budget.refusal(*self._largest)

    def choose(self, job: TrialJob) -> Tariff:
        """Return where a trial goes: after it ran out of memory, to a larger tier if there is one.

        Raises:
            UsageError: No endpoint is known, or none of the tier asked for.
        """
        prices, full = self._preflight.prices, self._full.get(job.trial)
        try:
            return self._tariff(choose_tier(job.memory_bytes, self._settings, prices, full))
        except NoLargerTierError:  # then halved batches have to do
            return self._tariff(choose_tier(job.memory_bytes, self._settings, prices))

    def tariff_of(self, line: Submitting) -> Tariff:
        """Return the tariff under which an earlier process submitted."""
        facts = self._preflight.endpoints.get(line.endpoint)
        return Tariff(
            endpoint=line.endpoint,
            tier=line.tier,
            price_per_second=line.price_per_second,
            price_source=line.price_source,
            idle_seconds=IDLE_TIMEOUT if facts is None else facts.idle_timeout,
            reason=line.reason,
        )

    def workers(self, endpoint: str) -> float:
        """Return how many workers an endpoint may have; infinite where that is not known."""
        facts = self._preflight.endpoints.get(endpoint)
        limit = None if facts is None else facts.workers_max
        return math.inf if limit is None else limit

    def most(self, job: TrialJob, tariff: Tariff) -> float:
        """Return what a trial may cost at most, USD."""
        return self._longest(job, tariff) * tariff.price_per_second

    def reserve(self, job: TrialJob, tariff: Tariff) -> str:
        """Set aside what a trial may cost; return why that cannot be done, "" if it is."""
        seconds, price = self._longest(job, tariff), tariff.price_per_second
        self._largest = seconds, price
        if self._budget.reserve(job.attempt, seconds, price):
            return ""
        return self._budget.refusal(seconds, price)

    def settle(self, attempt: str, usage: RemoteUsage | None) -> None:
        """Count what an attempt has cost; None where it never got to RunPod."""
        if usage is None:
            self._budget.release(attempt)
        else:
            self._budget.settle(attempt, usage.cost_upper)
            self._ledger.add(Settled(attempt=attempt, usage=usage))

    def ran_out_of_memory(self, trial: int, tier: str) -> None:
        """Have the trial's next attempt go to a larger tier."""
        self._full[trial] = tier

    def _fits(self, reserved: float) -> bool:
        limit, last = self._settings.max_cost, self._largest
        if limit is None or last is None:
            return True
        return self._budget.spent + reserved + last[0] * last[1] <= limit

    def _longest(self, job: TrialJob, tariff: Tariff) -> float:
        wait = self._settings.queue_timeout
        return longest_bill(execution_seconds(job), wait, tariff.idle_seconds)

    def _tariff(self, choice: TierChoice) -> Tariff:
        facts = self._preflight.endpoints[choice.endpoint]
        return Tariff(
            endpoint=choice.endpoint,
            tier=choice.tier,
            price_per_second=choice.price_per_second * facts.gpus,
            price_source=choice.price_source,
            idle_seconds=facts.idle_timeout,
            reason=choice.reason,
        )
