"""What is known of a study's finished trials while it runs: few figures, however many trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.front import on_front
from hpo_torch.results.summary import count_states, winner_of
from hpo_torch.search.modes import optimises_two
from hpo_torch.study.retry_policy import says_something_is_broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.records import TrialResult


class Standings:
    """Counts finished trials, and knows who leads, and who may yet.

    Where objective and health are two, a trial on the front may lead later: another one with a
    better objective can leave the leader more than delta behind. Who is not on it never leads.

    Args:
        search: The mode, which says who leads.
        earlier: Results of earlier processes.

    Attributes:
        counts: Finished trials by state.
        best: The leader; None before a trial has completed.
        front: Numbers of the trials on the front; empty in modes of one objective.
        failures_in_a_row: Of this process, those that say that something is broken.
    """

    def __init__(self, search: SearchSettings, earlier: Iterable[TrialResult] = ()) -> None:
        known = list(earlier)
        self._search = search
        self.counts: dict[TrialState, int] = count_states(known)
        self.failures_in_a_row = 0
        self._choose(known)

    @property
    def finished(self) -> int:
        """Trials that ended, in whatever way."""
        return sum(self.counts.values())

    def add(self, result: TrialResult) -> set[int]:
        """Take in a finished trial; return the earlier trials that fell off the front by it."""
        self.counts[result.state] += 1
        broken = result.state == "failed" and says_something_is_broken(result.failure_kind)
        self.failures_in_a_row = self.failures_in_a_row + 1 if broken else 0
        before = self.front
        self._choose([*self._contenders, result])
        return before - self.front

    def _choose(self, trials: list[TrialResult]) -> None:
        """Keep of these trials those that lead, or may lead later."""
        self.best = winner_of(trials, self._search)
        self.front = on_front(trials) if optimises_two(self._search) else set()
        best = set() if self.best is None else {self.best.trial}
        self._contenders = [trial for trial in trials if trial.trial in self.front | best]
