"""Run one job so that, whatever the training function does, it ends in one TrainingFinished."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Protocol

from hpo_torch.protocol.events import FailureKind, TrainingFinished

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob

_LOGGER = logging.getLogger(__name__)
TRAIN_TARGET = "hpo_torch.training.train_trial:train_trial"


class TrainFunction(Protocol):
    """What trains a trial: `hpo_torch.training.train_trial.train_trial`, or a test's stand-in."""

    def __call__(
        self,
        job: TrialJob,
        emit: Callable[[BackendEvent], None],
        stop: threading.Event,
        *,
        worker: str,
    ) -> None:
        """Train; emit every event, `TrainingFinished` last; end early once `stop` is set."""


def run_job(
    train: TrainFunction,
    job: TrialJob,
    emit: Callable[[BackendEvent], None],
    stop: threading.Event,
    *,
    worker: str,
) -> None:
    """Call `train`, and emit the `TrainingFinished` that it fails to emit itself.

    An error after `TrainingFinished` is only logged: it no longer changes how the trial ended.
    """
    finished = False

    def emit_until_finished(event: BackendEvent) -> None:
        nonlocal finished
        if finished:
            raise RuntimeError(f"{event.kind} emitted after training_finished")
        emit(event)
        finished = isinstance(event, TrainingFinished)

    try:
        train(job, emit_until_finished, stop, worker=worker)
    except (Exception, SystemExit) as error:
        if finished:
            _LOGGER.exception("trial %d: an error after its end", job.trial)
            return
        message = f"{type(error).__name__}: {error}"
        emit(failed_training(job, "user_code", message, traceback.format_exc()))
    else:
        if not finished:
            emit(failed_training(job, "user_code", "the training function returned no result"))


def failed_training(
    job: TrialJob, kind: FailureKind, message: str, details: str = ""
) -> TrainingFinished:
    """Return the last word on a job that failed; `details` is a traceback or a log's tail."""
    return TrainingFinished(
        trial=job.trial,
        attempt=job.attempt,
        outcome="failed",
        failure_kind=kind,
        message=message,
        traceback=details,
    )
