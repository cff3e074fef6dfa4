"""Trials that an engine asked for and did not live to begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.trial import TrialState as OptunaState

from hpo_torch.study.journal_file import grouped_writes
from hpo_torch.study.patient_storage import exclusively
from hpo_torch.study.queue_file import is_queued, requeue
from hpo_torch.study.trial_marks import HYPERPARAMETERS, NEVER_BEGUN, REJECTED, reject, reopen

if TYPE_CHECKING:
    import optuna


def put_back(study: optuna.Study, number: int) -> None:
    """Close a trial that was never begun; a queued configuration waits again, at the queue's end.

    Engines may do so at the same time. One that dies in between leaves a configuration twice in
    the queue, of which the second is refused as trained before. A stray that was refused already
    keeps the reason.
    """
    with exclusively(study), grouped_writes(study._storage):
        stray = study.get_trials(deepcopy=False)[number]
        if stray.state != OptunaState.RUNNING or HYPERPARAMETERS in stray.user_attrs:
            return
        marks = stray.user_attrs
        if is_queued(stray) and REJECTED not in marks:
            requeue(study, stray)
        reject(study, reopen(study, stray), marks.get(REJECTED, NEVER_BEGUN))
