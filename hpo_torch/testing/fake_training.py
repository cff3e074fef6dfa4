"""A stand-in for `train_trial` that does on command what real training does by accident.

A job's hyperparameter `behaviour` says what happens after `TrialStarted`:

    complete   `epochs` epochs, then completed; the message is the process's number. Where the job
               has an output_dir, each epoch is stored there before it is emitted, and the next
               attempt goes on from what is stored, as in real training
    stall      like complete, but an attempt that starts anew hangs after its first epoch
    wait       no epoch; stopped as soon as asked, completed after a minute
    hang       no epoch, and no stop: nothing for an hour
    freeze     an alert, and then like hang, holding the interpreter's lock and ignoring SIGTERM:
               no thread of the process runs any more, and only SIGKILL ends it
    flood      waits for the file `go` in output_dir; then `FLOOD_ALERTS` alerts of `FLOOD_BYTES`
               each, then the file `flooded`, then completed
    raise      a RuntimeError
    vanish     a return without `TrainingFinished`
    linger     completed, and then a second `TrainingFinished`
    exit       `sys.exit(5)`
    die        the process ends with exit code 3
    kill       the process ends by SIGKILL

Jobs without it, such as a study's own, complete.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.events import EpochFinished, HealthAlert, TrainingFinished, TrialStarted
from hpo_torch.protocol.job import TrialJob
from hpo_torch.protocol.measurements import EpochMetrics, Measurements

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.protocol.events import BackendEvent, Outcome

FAKE_TARGET = "hpo_torch.testing.fake_training:train"
FAKE_PARAMETERS = 10
FLOOD_ALERTS = 2000
FLOOD_BYTES = 10_000
STATE_FILE = "training_state.ckpt"
_HOUR = 3600


def fake_job(
    trial: int,
    behaviour: str = "complete",
    *,
    epochs: int = 2,
    attempt: str = "attempt",
    output_dir: Path | None = None,
    known_epochs: int = 0,
) -> TrialJob:
    """Return a job for `train`; its attempt is named "trial-attempt"."""
    return TrialJob(
        study="fake",
        trial=trial,
        attempt=f"{trial}-{attempt}",
        seed=0,
        data=DataSettings(),
        split_seed=0,
        family="cnn",
        hyperparameters={"behaviour": behaviour, "epochs": epochs},
        training=TrainingSettings(),
        health=HealthSettings(),
        device="cpu",
        output_dir=None if output_dir is None else str(output_dir),
        known_epochs=known_epochs,
    )


def train(
    job: TrialJob,
    emit: Callable[[BackendEvent], None],
    stop: threading.Event,
    *,
    worker: str,
) -> None:
    """Do what `job.hyperparameters["behaviour"]` says; see the module's docstring."""
    done = _stored_epochs(job)
    emit(_started(job, worker, done))
    match job.hyperparameters.get("behaviour", "complete"):
        case "complete" | "stall":
            _complete(job, emit, stop, done)
        case "wait":
            emit(_finished(job, "stopped" if stop.wait(60.0) else "completed"))
        case "hang":
            time.sleep(_HOUR)
        case "flood":
            _flood(job, emit)
        case "freeze":
            _freeze(job, emit)
        case "raise":
            raise RuntimeError("raised on purpose")
        case "linger":
            emit(_finished(job, "completed"))
            emit(_finished(job, "completed"))
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


def _complete(
    job: TrialJob, emit: Callable[[BackendEvent], None], stop: threading.Event, done: int
) -> None:
    epochs = job.hyperparameters["epochs"]
    # What an earlier attempt has stored but the study has not heard of is reported again.
    for epoch in range(min(done, job.known_epochs) + 1, epochs + 1):
        if stop.is_set():
            emit(_finished(job, "stopped"))
            return
        if epoch > done:
            _store_epochs(job, epoch)
        emit(_epoch_finished(job, epoch))
        if done == 0 and job.hyperparameters.get("behaviour") == "stall":
            time.sleep(_HOUR)
    emit(_finished(job, "completed", _measurements(fake_metrics(epochs))))


def _flood(job: TrialJob, emit: Callable[[BackendEvent], None]) -> None:
    if job.output_dir is None:
        raise ValueError("flood: expected a job with an output_dir, got None")
    folder = Path(job.output_dir)
    while not (folder / "go").exists():
        time.sleep(0.01)
    message = "x" * FLOOD_BYTES
    for number in range(1, FLOOD_ALERTS + 1):
        emit(HealthAlert(trial=job.trial, attempt=job.attempt, epoch=number, message=message))
    (folder / "flooded").touch()
    emit(_finished(job, "completed"))


def _end_process(how: str) -> None:
    match how:
        case "exit":
            sys.exit(5)
        case "die":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)


def _freeze(job: TrialJob, emit: Callable[[BackendEvent], None]) -> None:
    if threading.current_thread() is threading.main_thread():  # only there it can be set
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    c_library = ctypes.PyDLL(None)  # PyDLL, unlike CDLL, keeps the interpreter's lock
    emit(HealthAlert(trial=job.trial, attempt=job.attempt, epoch=1, message="freezes now"))
    c_library.sleep(_HOUR)


def _stored_epochs(job: TrialJob) -> int:
    if job.output_dir is None:
        return 0
    try:
        return int(json.loads((Path(job.output_dir) / STATE_FILE).read_text("utf-8"))["epochs"])
    except FileNotFoundError:
        return 0


def _store_epochs(job: TrialJob, epochs: int) -> None:
    if job.output_dir is not None:
        unfinished = Path(job.output_dir) / f"{STATE_FILE}.new"
        unfinished.write_text(json.dumps({"epochs": epochs}), encoding="utf-8")
        unfinished.replace(unfinished.with_name(STATE_FILE))


def _started(job: TrialJob, worker: str, done: int) -> TrialStarted:
    return TrialStarted(
        trial=job.trial,
        attempt=job.attempt,
        worker=worker,
        device=job.device,
        precision="32-true",
        hyperparameters=job.hyperparameters,
        parameters=FAKE_PARAMETERS,
        epochs=job.hyperparameters["epochs"],
        epochs_done=done,
    )


def _epoch_finished(job: TrialJob, epoch: int) -> EpochFinished:
    metrics = fake_metrics(epoch)
    return EpochFinished(
        trial=job.trial,
        attempt=job.attempt,
        epochs=job.hyperparameters["epochs"],
        metrics=metrics,
        so_far=_measurements(metrics),
    )


def _finished(
    job: TrialJob, outcome: Outcome, measurements: Measurements | None = None
) -> TrainingFinished:
    return TrainingFinished(
        trial=job.trial,
        attempt=job.attempt,
        outcome=outcome,
        message=str(os.getpid()),
        measurements=measurements,
        kept_epoch=None if measurements is None else job.hyperparameters["epochs"],
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
