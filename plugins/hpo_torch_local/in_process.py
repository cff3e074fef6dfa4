"""The backend 'in_process': one trial at a time in a thread of this process, for debugging."""

from __future__ import annotations

import pkgutil
import queue
import threading
import traceback
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import InvalidValueError
from hpo_torch_local.devices import check_device
from hpo_torch_local.run_job import TRAIN_TARGET, failed, run_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob

WORKER = "in_process"
GRACE_SECONDS = 5.0


class InProcessBackend:
    """Trains in a thread, so that breakpoints and profilers of this process see the trial.

    Args:
        settings: The device; `jobs` must be 1, because one process trains one trial at a time.
        train_target: The training function, "package.module:attribute"; tests give their own.

    Raises:
        InvalidValueError: `settings.device` is no device name, or `settings.jobs` is not 1.
        DeviceUnavailableError: The device asked for is absent.
    """

    def __init__(self, settings: ExecutionSettings, *, train_target: str = TRAIN_TARGET) -> None:
        if settings.jobs != 1:
            advice = "Use the backend 'local' for several trials at once."
            raise InvalidValueError("jobs", "1 with backend 'in_process'", settings.jobs, advice)
        check_device(settings)
        self._target = train_target
        self._events: queue.SimpleQueue[BackendEvent] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._trial: int | None = None
        self._stop = threading.Event()

    @property
    def capacity(self) -> int:
        """One: the trials share this process."""
        return 1

    def start(self) -> None:
        """Do nothing: the first job imports what it needs."""

    def submit(self, job: TrialJob) -> None:
        """Begin to train the job."""
        if self._thread is not None:
            self._thread.join()  # it has sent its TrainingFinished, so it is about to end
        self._trial, self._stop = job.trial, threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(job, self._stop), name=f"trial-{job.trial}", daemon=True
        )
        self._thread.start()

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return what happened, in order; wait at most `timeout` seconds for something to."""
        events: list[BackendEvent] = []
        try:
            events.append(self._events.get(timeout=max(0.0, timeout)))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def stop(self, trial: int) -> None:
        """Ask a trial to end at its next step; one that is not in flight has ended already."""
        if trial == self._trial:
            self._stop.set()

    def close(self) -> None:
        """Stop the trial; a thread cannot be killed, so wait `GRACE_SECONDS` at most for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS)

    def _run(self, job: TrialJob, stop: threading.Event) -> None:
        try:
            train = pkgutil.resolve_name(self._target)
        except (ImportError, AttributeError) as error:
            message = f"{self._target} cannot be imported: {error}"
            self._events.put(failed(job, "backend", message, traceback.format_exc()))
            return
        run_job(train, job, self._events.put, stop, worker=WORKER)
