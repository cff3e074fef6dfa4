"""Leases of the one engine that works on a study whose storage is the run's journal file."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from optuna.trial import TrialState as OptunaState

from hpo_torch.study.leases import Lease
from hpo_torch.study.trial_marks import our_trials

if TYPE_CHECKING:
    import optuna

    from hpo_torch.protocol.events import TrialState


class SingleEngineLeases:
    """`hpo_torch.study.leases.Leases` without anybody to share with.

    The run's lock keeps others away, so that Optuna's storage says all: our trials are the slots
    0, 1, ... in order, and those that are running at the start are what an earlier process left.

    Args:
        study: The study as recovery left it.
        wanted: Trials in all.
    """

    def __init__(self, study: optuna.Study, wanted: int) -> None:
        begun = our_trials(study)
        self._wanted = wanted
        self._next = len(begun)
        self._finished = sum(trial.state.is_finished() for trial in begun)
        self._abandoned = deque(
            Lease(slot, trial.number)
            for slot, trial in enumerate(begun)
            if trial.state == OptunaState.RUNNING
        )

    def take(self) -> Lease | None:
        """Take what an earlier process left, in order, then what is still to be asked for."""
        if self._abandoned:
            return self._abandoned.popleft()
        if self._next >= self._wanted:
            return None
        self._next += 1
        return Lease(self._next - 1, None)

    def has_begun(self) -> bool:
        """Whether an earlier process left a trial that was not taken yet."""
        return bool(self._abandoned)

    def bind(self, lease: Lease, trial: int) -> None:
        """Do nothing: a trial's own marks in the storage say that it is one of ours."""

    def finish(self, trial: int, state: TrialState) -> bool:
        """Count a finished trial; it is always still ours."""
        self._finished += 1
        return True

    def release(self, trial: int) -> None:
        """Do nothing: the trial stays running in the storage, where the next process finds it."""

    def is_complete(self) -> bool:
        """Whether all wanted trials are finished."""
        return self._finished >= self._wanted

    def close(self) -> None:
        """Do nothing: the run's lock is what keeps others away."""
