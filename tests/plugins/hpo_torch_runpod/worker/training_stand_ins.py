"""Training functions that show what the worker does around them."""

from __future__ import annotations

import random
import shutil
import threading
from pathlib import Path

from hpo_torch.protocol.events import HealthAlert, TrainingFinished
from hpo_torch.protocol.measurements import HealthReading

RUNNING: list[str] = []
MOST_AT_ONCE: list[int] = [0]
STARTED = threading.Event()
RELEASE = threading.Event()
JOBS = []
_LOCK = threading.Lock()


def reset():
    for event in (STARTED, RELEASE):
        event.clear()
    RUNNING.clear()
    JOBS.clear()
    MOST_AT_ONCE[0] = 0


def alert(job, number):
    return HealthAlert(trial=job.trial, attempt=job.attempt, epoch=number, message="x")


def finished(job, outcome="completed"):
    kept = 1 if outcome == "completed" else None
    return TrainingFinished(trial=job.trial, attempt=job.attempt, outcome=outcome, kept_epoch=kept)


def until_stopped(job, emit, stop, *, worker):
    """Says alerts and goes on until it is stopped; counts how many do so at once."""
    with _LOCK:
        RUNNING.append(job.attempt)
        MOST_AT_ONCE[0] = max(MOST_AT_ONCE[0], len(RUNNING))
    try:
        STARTED.set()
        emit(alert(job, 1))
        number = 2
        while not stop.wait(0.01):
            emit(alert(job, number))
            number += 1
        emit(finished(job, "stopped"))
    finally:
        with _LOCK:
            RUNNING.remove(job.attempt)


def deaf(job, emit, stop, *, worker):
    """Does not stop until it is released."""
    emit(alert(job, 1))
    RELEASE.wait(60.0)
    emit(finished(job))


def weights(job, emit, stop, *, worker):
    """Leaves weights that cannot be compressed, as many bytes as the hyperparameter says."""
    content = random.Random(job.trial).randbytes(job.hyperparameters["size"])
    (Path(job.output_dir) / "model.ckpt").write_bytes(content)
    JOBS.append(job)
    emit(finished(job))


def interrupted(job, emit, stop, *, worker):
    """Raises what no `except Exception` catches."""
    raise KeyboardInterrupt


def unreadable(job, emit, stop, *, worker):
    """Says what cannot be read back."""
    emit(
        finished(job).model_copy(update={"health": {"x": HealthReading.model_construct(value=2.0)}})
    )


def unspeakable(job, emit, stop, *, worker):
    """Fail with half of a character, as a file's name may have, in the message."""
    raise RuntimeError("no such file: \udcff")


def unwritable(job, emit, stop, *, worker):
    """End as where a file cannot be written; the first trial's folder is gone as well."""
    if job.trial == 0:
        shutil.rmtree(job.output_dir)
    emit(
        finished(job, "failed").model_copy(update={"failure_kind": "backend", "message": "no file"})
    )
