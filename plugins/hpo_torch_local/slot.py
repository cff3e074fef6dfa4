"""One place for a trial: the worker process that fills it, its job, and when to replace it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plugin_api import failed_training
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch_local.messages import RunJob, StopJob, WorkerReady
from hpo_torch_local.worker_process import WorkerProcess

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_local.messages import Report
    from hpo_torch_local.worker import WorkerSetup

MAX_IDLE_DEATHS = 3


class Slot:
    """Keeps one worker alive and at most one job on it.

    A job waits here until the worker is ready. A worker that dies is replaced, until it has died
    `MAX_IDLE_DEATHS` times in a row without a job: then the slot is broken and takes none.

    Attributes:
        broken: Why no worker can be started; "" while one can.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self._setup = setup
        self._worker: WorkerProcess | None = WorkerProcess(setup)
        self._ready = False
        self._job: TrialJob | None = None
        self._running = False
        self._idle_deaths = 0
        self.broken = ""
        self._events: list[BackendEvent] = []

    @property
    def trial(self) -> int | None:
        """Number of the trial on this slot; None where it is free."""
        return None if self._job is None else self._job.trial

    @property
    def handles(self) -> tuple[Connection | int, ...]:
        """What to wait on; nothing where the slot is broken."""
        return () if self._worker is None else self._worker.handles

    def submit(self, job: TrialJob) -> None:
        """Take a job; the slot must be free, and not broken."""
        self._job = job
        if self._worker is not None and self._ready:
            self._hand_over(self._worker, job)

    def take_back(self) -> TrialJob | None:
        """Return the job that waits here for a worker that will never be, and be free."""
        if not self.broken:
            return None
        job, self._job = self._job, None
        return job

    def stop(self) -> None:
        """End the job at its next step, or at once if its worker has not begun it."""
        job = self._job
        if job is None:
            return
        if not self._running:
            self._finish(TrainingFinished(trial=job.trial, attempt=job.attempt, outcome="stopped"))
        elif self._worker is not None:
            self._worker.send(StopJob(attempt=job.attempt))

    def kill(self) -> None:
        """End the job at once, with its worker, which is replaced."""
        if self._job is not None and self._worker is not None:
            self._worker.kill()

    def collect(self) -> list[BackendEvent]:
        """Return the events since the last call; replace the worker if it has died."""
        if self._worker is not None:
            reports, dead = self._worker.receive()
            for report in reports:
                self._take(report, self._worker)
            if dead:
                self._replace(self._worker)
        events, self._events = self._events, []
        return events

    def ask_to_end(self) -> None:
        """Begin to end the worker; one that still imports has nothing to lose."""
        if self._worker is not None and self._ready:
            self._worker.ask_to_end()
        elif self._worker is not None:
            self._worker.terminate()

    def end(self, deadline: float) -> None:
        """Wait for the worker's exit until `deadline` (of `time.monotonic`), then force it."""
        if self._worker is not None:
            self._worker.end(deadline)
            self._worker = None

    def _hand_over(self, worker: WorkerProcess, job: TrialJob) -> None:
        self._running = worker.send(RunJob(job=job))
        if self._running:  # else the worker is dead: its replacement gets the job
            self._idle_deaths = 0

    def _take(self, report: Report, worker: WorkerProcess) -> None:
        if isinstance(report, TrainingFinished):
            self._finish(report)
        elif not isinstance(report, WorkerReady):
            self._events.append(report)
        else:
            self._ready = True
            if self._job is not None:
                self._hand_over(worker, self._job)

    def _finish(self, event: TrainingFinished) -> None:
        self._events.append(event)
        self._job, self._running = None, False

    def _replace(self, worker: WorkerProcess) -> None:
        death, output = worker.bury(), worker.last_output()
        self._worker, self._ready = None, False
        if not self._running:
            self._idle_deaths += 1
        if self._job is not None and (self._running or worker.killed):
            self._finish(failed_training(self._job, "worker_died", death, output))
        if self._idle_deaths < MAX_IDLE_DEATHS:
            self._worker = WorkerProcess(self._setup)
            return
        self.broken = _why_broken(death, output)


def _why_broken(death: str, output: str) -> str:
    advice = output or (
        "It printed nothing. A script that starts a study must do so under "
        "`if __name__ == '__main__':`, because workers import the script."
    )
    return f"no worker could be started in {MAX_IDLE_DEATHS} attempts; {death}:\n{advice}"
