"""The backend 'local': trials in long-lived worker processes on this machine."""

from __future__ import annotations

import atexit
import os
import tempfile
import time
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import TRAIN_TARGET, failed_training
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch_local.devices import check_device, check_jobs, cpu_threads, worker_environment
from hpo_torch_local.slot import Slot
from hpo_torch_local.worker import WorkerSetup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.plugin_api import RunSite
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage

GRACE_SECONDS = 5.0


class LocalBackend:
    """Worker processes that import torch once and then train job after job.

    A worker that dies takes its trial with it and is replaced; the study and the other trials go
    on. Where one cannot be started any more, the others do its work; once none can, jobs fail
    ("backend"). What workers print goes to a log file each, whose end is quoted when one dies.
    Workers die with this process, and on Linux with the thread that started them: call `start` and
    `poll` from one that lives as long as the backend.

    Args:
        settings: Device, and `jobs`: the number of workers.
        train_target: The training function, "package.module:attribute"; tests give their own.

    Raises:
        InvalidValueError: `settings.device` is no device name, or there are more jobs than CUDA
            devices without `settings.oversubscribe`.
        DeviceUnavailableError: The device asked for is absent.
    """

    def __init__(self, settings: ExecutionSettings, *, train_target: str = TRAIN_TARGET) -> None:
        self._settings = settings
        self._target = train_target
        self._cuda_devices = check_device(settings)
        check_jobs(settings, self._cuda_devices)
        self._slots: list[Slot] = []
        self._waiting: list[TrialJob] = []  # for a worker: only since another one cannot be started
        self._events: list[BackendEvent] = []
        self._logs: tempfile.TemporaryDirectory[str] | None = None

    @property
    def capacity(self) -> int:
        """How many trials may be in flight at once: one for each worker that can be started."""
        return sum(not slot.broken for slot in self._slots) or self._settings.jobs

    @property
    def refusal(self) -> str:
        """Nothing: this machine costs nothing, and takes every job."""
        return ""

    @property
    def settled(self) -> dict[str, RemoteUsage]:
        """Nothing: no attempt is paid for."""
        return {}

    def start(self, site: RunSite) -> None:
        """Launch the workers; they import in the background."""
        # Without this, an exit without close() would wait for the workers forever.
        atexit.register(self.close)
        self._logs = tempfile.TemporaryDirectory(prefix="hpo-torch-workers-")
        folder = Path(self._logs.name)
        for number in range(self._settings.jobs):
            self._slots.append(Slot(self._setup(number, folder)))

    def submit(self, job: TrialJob) -> None:
        """Give a job to a free worker, or to the next that is ready."""
        busy = len(self._waiting) + sum(slot.trial is not None for slot in self._slots)
        if busy >= len(self._slots):
            raise RuntimeError(f"submit() without a free worker; {len(self._slots)} started")
        self._waiting.append(job)
        self._hand_out()

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return what happened, in order; wait at most `timeout` seconds for something to."""
        deadline = time.monotonic() + timeout
        events = self._collect()
        while not events and (left := deadline - time.monotonic()) > 0:
            self._wait(left)
            events = self._collect()
        return events

    def stop(self, trial: int) -> None:
        """Ask a trial to end at its next step; one that is not in flight has ended already."""
        for slot in self._slots:
            if slot.trial == trial:
                slot.stop()
        for job in self._withdraw(trial):
            last = TrainingFinished(trial=trial, attempt=job.attempt, outcome="stopped")
            self._events.append(last)

    def kill(self, trial: int) -> None:
        """Kill a trial's worker, whatever it does; one that has ended already is let be."""
        for slot in self._slots:
            if slot.trial == trial:
                slot.kill()
        for job in self._withdraw(trial):
            self._events.append(
                failed_training(job, "worker_died", "killed before a worker was free")
            )

    def reattach(self, job: TrialJob) -> bool:
        """Find nothing: jobs end with the process that submitted them."""
        return False

    def close(self) -> None:
        """End all workers: asked first, terminated after `GRACE_SECONDS`, killed after that."""
        atexit.unregister(self.close)
        deadline = time.monotonic() + GRACE_SECONDS
        for slot in self._slots:
            slot.ask_to_end()
        while self._slots:
            self._slots.pop().end(deadline)
        if self._logs is not None:
            self._logs.cleanup()
            self._logs = None

    def _setup(self, number: int, folder: Path) -> WorkerSetup:
        return WorkerSetup(
            name=f"local-{number}",
            target=self._target,
            log=folder / f"worker-{number}.log",
            environment=worker_environment(self._settings, number, self._cuda_devices, os.environ),
            threads=cpu_threads(self._settings.jobs),
        )

    def _collect(self) -> list[BackendEvent]:
        events = [event for slot in self._slots for event in slot.collect()]
        self._waiting += [job for slot in self._slots if (job := slot.take_back()) is not None]
        self._hand_out()
        events += self._events
        self._events = []
        return events

    def _hand_out(self) -> None:
        """Give jobs to free workers; where none can be started any more, they have failed."""
        working = [slot for slot in self._slots if not slot.broken]
        for slot in working:
            if self._waiting and slot.trial is None:
                slot.submit(self._waiting.pop(0))
        if not working and self._slots:
            why = self._slots[0].broken
            self._events += [failed_training(job, "backend", why) for job in self._waiting]
            self._waiting.clear()

    def _withdraw(self, trial: int) -> list[TrialJob]:
        """Take back the trial's job if it waits: one or none."""
        withdrawn = [job for job in self._waiting if job.trial == trial]
        self._waiting = [job for job in self._waiting if job.trial != trial]
        return withdrawn

    def _wait(self, seconds: float) -> None:
        handles = [handle for slot in self._slots for handle in slot.handles]
        if handles:
            wait(handles, seconds)
        else:
            time.sleep(seconds)
