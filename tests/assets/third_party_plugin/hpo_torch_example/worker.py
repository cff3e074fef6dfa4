"""The process of one trial: a job on standard input, events on standard output, one JSON a line.

The end of standard input asks the trial to stop.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import FailureKind, TrainingFinished
from hpo_torch.protocol.job import TrialJob

if TYPE_CHECKING:
    from hpo_torch.protocol.events import BackendEvent

TRAIN_TARGET = "hpo_torch.training.train_trial:train_trial"


def main(train_target: str) -> None:
    """Train the one job that standard input holds."""
    # Whatever a library prints goes to standard error, so that standard output holds events only.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as events:
        os.dup2(2, 1)
        job = TrialJob.model_validate_json(sys.stdin.buffer.readline())
        stop = threading.Event()
        threading.Thread(target=_set_at_end_of_input, args=(stop,), daemon=True).start()

        def emit(event: BackendEvent) -> None:
            events.write(event.model_dump_json() + "\n")
            events.flush()

        try:
            train = pkgutil.resolve_name(train_target)
            train(job, emit, stop, worker=f"subprocess-{os.getpid()}")
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            emit(failed(job, "user_code", message, traceback.format_exc()))


def failed(job: TrialJob, kind: FailureKind, message: str, details: str) -> TrainingFinished:
    """Return the last word on a trial that cannot say it itself."""
    return TrainingFinished(
        trial=job.trial,
        attempt=job.attempt,
        outcome="failed",
        failure_kind=kind,
        message=message,
        traceback=details,
    )


def _set_at_end_of_input(stop: threading.Event) -> None:
    # Not sys.stdin: a daemon thread that waits in its buffer breaks the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    main(sys.argv[1])
