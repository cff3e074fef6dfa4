"""What is known of a study's finished trials while it runs: few figures, however many trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.summary import best_of, count_states
from hpo_torch.study.retry_policy import says_something_is_broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.records import TrialResult


class Standings:
    """Counts finished trials, and knows the leader.

    Args:
        earlier: Results of earlier processes.

    Attributes:
        counts: Finished trials by state.
        best: The leader; None before a trial has completed.
        failures_in_a_row: Of this process, those that say that something is broken.
    """

    def __init__(self, earlier: Iterable[TrialResult] = ()) -> None:
        known = list(earlier)
        self.counts: dict[TrialState, int] = count_states(known)
        self.best = best_of(known)
        self.failures_in_a_row = 0

    @property
    def finished(self) -> int:
        """Trials that ended, in whatever way."""
        return sum(self.counts.values())

    def add(self, result: TrialResult) -> bool:
        """Take in a finished trial; return whether it leads now."""
        self.counts[result.state] += 1
        broken = result.state == "failed" and says_something_is_broken(result.failure_kind)
        self.failures_in_a_row = self.failures_in_a_row + 1 if broken else 0
        leader = best_of([result] if self.best is None else [self.best, result])
        leads = leader is result
        self.best = leader
        return leads
