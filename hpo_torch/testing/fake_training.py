"""A stand-in for `train_trial` that does on command what real training does by accident.

A job's hyperparameter `behaviour` says what happens after `TrialStarted`:

    complete   `epochs` epochs (2 by default), then completed; the message is the process's number
    wait       no epoch; stopped as soon as asked, completed after a minute
    raise      a RuntimeError
    vanish     a return without `TrainingFinished`
    linger     completed, and then a second `TrainingFinished`
    exit       `sys.exit(5)`
    die        the process ends with exit code 3
    kill       the process ends by SIGKILL
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.events import EpochFinished, Outcome, TrainingFinished, TrialStarted
from hpo_torch.protocol.job import TrialJob
from hpo_torch.protocol.measurements import EpochMetrics, Measurements

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from hpo_torch.protocol.events import BackendEvent

FAKE_TARGET = "hpo_torch.testing.fake_training:train"
FAKE_PARAMETERS = 10


def fake_job(trial: int, behaviour: str = "complete", *, epochs: int = 2) -> TrialJob:
    """Return a job for `train`; its attempt is "trial-attempt"."""
    return TrialJob(
        study="fake",
        trial=trial,
        attempt=f"{trial}-attempt",
        seed=0,
        data=DataSettings(),
        split_seed=0,
        family="cnn",
        hyperparameters={"behaviour": behaviour, "epochs": epochs},
        training=TrainingSettings(),
        health=HealthSettings(),
        device="cpu",
    )


def train(
    job: TrialJob,
    emit: Callable[[BackendEvent], None],
    stop: threading.Event,
    *,
    worker: str,
) -> None:
    """Do what `job.hyperparameters["behaviour"]` says; see the module's docstring."""
    emit(_started(job, worker))
    match job.hyperparameters["behaviour"]:
        case "complete":
            _complete(job, emit, stop)
        case "wait":
            emit(_finished(job, "stopped" if stop.wait(60.0) else "completed"))
        case "raise":
            raise RuntimeError("raised on purpose")
        case "linger":
            emit(_finished(job, "completed"))
            emit(_finished(job, "completed"))
        case "exit":
            sys.exit(5)
        case other:
            _end_process(other)


def fake_metrics(epoch: int) -> EpochMetrics:
    """Return the figures of an epoch: losses 1 / epoch, accuracies 1 - 1 / (epoch + 1)."""
    accuracy = 1.0 - 1.0 / (epoch + 1)
    return EpochMetrics(
        epoch=epoch,
        train_loss=1.0 / epoch,
        train_accuracy=accuracy,
        val_loss=1.0 / epoch,
        val_accuracy=accuracy,
        learning_rate=0.1,
        seconds=0.0,
    )


def _complete(job: TrialJob, emit: Callable[[BackendEvent], None], stop: threading.Event) -> None:
    for epoch in range(1, job.hyperparameters["epochs"] + 1):
        if stop.is_set():
            emit(_finished(job, "stopped"))
            return
        metrics = fake_metrics(epoch)
        emit(
            EpochFinished(
                trial=job.trial,
                attempt=job.attempt,
                epochs=job.hyperparameters["epochs"],
                metrics=metrics,
                so_far=_measurements(metrics),
            )
        )
    emit(_finished(job, "completed"))


def _end_process(how: str) -> None:
    if how == "die":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def _started(job: TrialJob, worker: str) -> TrialStarted:
    return TrialStarted(
        trial=job.trial,
        attempt=job.attempt,
        worker=worker,
        device=job.device,
        precision="32-true",
        hyperparameters=job.hyperparameters,
        parameters=FAKE_PARAMETERS,
        epochs=job.hyperparameters["epochs"],
    )


def _finished(job: TrialJob, outcome: Outcome) -> TrainingFinished:
    return TrainingFinished(
        trial=job.trial, attempt=job.attempt, outcome=outcome, message=str(os.getpid())
    )


def _measurements(metrics: EpochMetrics) -> Measurements:
    return Measurements(
        val_accuracy=metrics.val_accuracy,
        val_loss=metrics.val_loss,
        last_val_accuracy=metrics.val_accuracy,
        skill=metrics.val_accuracy,
        parameters=FAKE_PARAMETERS,
        training_seconds=0.0,
    )
