"""The backend 'in_process': one trial at a time in a thread of this process, for debugging."""

from __future__ import annotations

import pkgutil
import queue
import threading
import traceback
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import TRAIN_TARGET, InvalidValueError, failed_training, run_job
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch_local.devices import check_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.plugin_api import RunSite
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage

WORKER = "in_process"
GRACE_SECONDS = 5.0


class InProcessBackend:
    """Trains in a thread, so that breakpoints and profilers of this process see the trial.

    A thread cannot be killed. A killed trial is given up: it counts as ended, and whatever it still
    says is dropped, but its thread and memory stay until it notices that it should stop, or until
    this process ends. Where trials hang, use the backend 'local'.

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
        self._attempt: _Attempt | None = None

    @property
    def capacity(self) -> int:
        """One: the trials share this process."""
        return 1

    @property
    def refusal(self) -> str:
        """Nothing: this machine costs nothing, and takes every job."""
        return ""

    @property
    def settled(self) -> dict[str, RemoteUsage]:
        """Nothing: no attempt is paid for."""
        return {}

    def start(self, site: RunSite) -> None:
        """Do nothing: the first job imports what it needs."""

    def submit(self, job: TrialJob) -> None:
        """Begin to train the job."""
        if self._attempt is not None:
            self._attempt.join()  # it has sent its TrainingFinished, so it is about to end
        self._attempt = _Attempt(job, self._target, self._events)

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
        if self._attempt is not None and self._attempt.trial == trial:
            self._attempt.stop()

    def kill(self, trial: int) -> None:
        """Give a trial up: it has failed, and its thread is left to itself."""
        if self._attempt is not None and self._attempt.trial == trial:
            self._attempt.give_up()
            self._attempt = None

    def reattach(self, job: TrialJob) -> bool:
        """Find nothing: jobs end with the process that submitted them."""
        return False

    def close(self) -> None:
        """Stop the trial and wait `GRACE_SECONDS` at most for it; wait for none given up."""
        if self._attempt is not None:
            self._attempt.stop()
            self._attempt.join(GRACE_SECONDS)


class _Attempt:
    """One job in its thread, which speaks until its last word or until it is given up."""

    def __init__(self, job: TrialJob, target: str, events: queue.SimpleQueue[BackendEvent]) -> None:
        self._job, self._target, self._events = job, target, events
        self._stop = threading.Event()
        self._speaking = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._run, name=f"trial-{job.trial}", daemon=True)
        self._thread.start()

    @property
    def trial(self) -> int:
        """Number of the trial."""
        return self._job.trial

    def stop(self) -> None:
        """Ask the training to end at its next step."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout)

    def give_up(self) -> None:
        """Say that the trial failed, unless it has ended; drop what its thread still says."""
        self._emit(failed_training(self._job, "worker_died", "given up: a thread cannot be killed"))
        self._stop.set()

    def _emit(self, event: BackendEvent) -> None:
        with self._speaking:
            if not self._over:
                self._events.put(event)
                self._over = isinstance(event, TrainingFinished)

    def _run(self) -> None:
        try:
            train = pkgutil.resolve_name(self._target)
        except (ImportError, AttributeError) as error:
            message = f"{self._target} cannot be imported: {error}"
            self._emit(failed_training(self._job, "backend", message, traceback.format_exc()))
            return
        run_job(train, self._job, self._emit, self._stop, worker=WORKER)
