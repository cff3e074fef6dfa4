"""Training functions that misbehave in ways only worker processes must survive."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import EpochFinished, TrainingFinished
from hpo_torch.protocol.measurements import Measurements
from hpo_torch.testing.fake_training import fake_metrics

if TYPE_CHECKING:
    from hpo_torch.protocol.job import TrialJob


RELEASE = threading.Event()


def report_process(job, emit, stop, *, worker):
    """Complete with a message that says, in JSON, what the process looks like from inside."""
    facts = {
        "process": os.getpid(),
        "worker": worker,
        "device": job.device,
        "environment": dict(os.environ),
        "torch": "torch" in sys.modules,
        "threads": sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None,
    }
    emit(finished(job, json.dumps(facts)))


def print_and_die(job, emit, stop, *, worker):
    print("said by Python")
    os.write(1, b"said by C\n")
    os.abort()


def ignore_everything(job, emit, stop, *, worker):
    """Neither a stop nor SIGTERM ends this."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    emit(epoch_finished(job, 1.0))
    time.sleep(60.0)


def deaf_until_released(job, emit, stop, *, worker):
    """Hang after the first epoch, whatever is asked; train another one after `RELEASE`."""
    emit(epoch_finished(job, 1.0))
    RELEASE.wait(60.0)
    emit(epoch_finished(job, 0.5))
    emit(finished(job, ""))


def finish_and_hang(job, emit, stop, *, worker):
    """Say the last word, and hang in the very next step."""
    emit(finished(job, "the last word"))
    time.sleep(60.0)


def interrupted_with_a_backlog(job, emit, stop, *, worker):
    """Say more than the pipe holds, and end the process by an exception that nobody catches."""
    for _ in range(200):
        emit(epoch_finished(job, 1.0).model_copy(update={"attempt": "x" * 10_000}))
    raise KeyboardInterrupt


def nan_loss(job, emit, stop, *, worker):
    emit(epoch_finished(job, float("nan")))
    emit(finished(job, ""))


def unreadable_report(job, emit, stop, *, worker):
    emit(epoch_finished(job, 1.0).model_copy(update={"epochs": None}))
    emit(finished(job, ""))


def finished(job: TrialJob, message: str) -> TrainingFinished:
    return TrainingFinished(
        trial=job.trial, attempt=job.attempt, outcome="completed", message=message
    )


def epoch_finished(job: TrialJob, loss: float) -> EpochFinished:
    so_far = Measurements(
        val_accuracy=0.5,
        val_loss=loss,
        last_val_accuracy=0.5,
        skill=0.5,
        parameters=1,
        training_seconds=0.0,
    )
    return EpochFinished(
        trial=job.trial, attempt=job.attempt, epochs=1, metrics=fake_metrics(1), so_far=so_far
    )
