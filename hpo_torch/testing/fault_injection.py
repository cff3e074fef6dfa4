"""A backend that fails as told, for tests of whatever must survive that.

The workers are threads of the test's process; the place where they run outlives the engine:

    cluster = FaultyCluster(FAKE_TARGET, capacity=2, faults=[Fault(trial=0, attempt=1, lost_at=2)])
    backend = cluster.connect()  # what an engine gets
    backend = cluster.connect()  # what the next engine gets, after the first was killed
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import TrainingFinished
from hpo_torch.testing.faulty_worker import Fault, FaultyWorker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.execution.backend import RunSite
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage

__all__ = ["Fault", "FaultyBackend", "FaultyCluster"]


class FaultyCluster:
    """Runs jobs and keeps all their events, whoever is connected.

    Args:
        train_target: The training function, "package.module:attribute".
        capacity: How many trials may be in flight at once.
        faults: What goes wrong; the first that fits an attempt counts.

    Attributes:
        jobs: Everything submitted, in order.
        refusal: Why no more jobs are taken; set it, and the cluster takes none.
    """

    def __init__(
        self, train_target: str, *, capacity: int = 1, faults: Sequence[Fault] = ()
    ) -> None:
        self.train_target, self.capacity, self.faults = train_target, capacity, tuple(faults)
        self.changed = threading.Condition()
        self.jobs: list[TrialJob] = []
        self.refusal = ""
        self._workers: dict[str, FaultyWorker] = {}
        self._connection: FaultyBackend | None = None

    def connect(self) -> FaultyBackend:
        """Return a backend; the one before is cut off, as if its process had been killed."""
        if self._connection is not None:
            self._connection.disconnect()
        self._connection = FaultyBackend(self)
        return self._connection

    def launch(self, job: TrialJob) -> FaultyWorker:
        """Begin to train a job."""
        earlier = [each for each in self._workers.values() if each.job.trial == job.trial]
        number = len(earlier) + 1
        fault = next((each for each in self.faults if each.fits(job.trial, number)), Fault())
        self.jobs.append(job)
        worker = FaultyWorker(job, fault, self.train_target, self.changed, earlier)
        self._workers[job.attempt] = worker
        worker.start()
        return worker

    def find(self, job: TrialJob) -> FaultyWorker | None:
        """Return what trains, or has trained, the job; None where its place was broken."""
        worker = self._workers.get(job.attempt)
        return None if worker is None or worker.was_broken else worker

    def end_all(self) -> None:
        """End all workers without a word."""
        for worker in self._workers.values():
            worker.end()


class FaultyBackend:
    """One engine's connection to a `FaultyCluster`; an `ExecutionBackend`.

    A job that is found again tells all its events from the first, because nobody knows which of
    them the killed engine had stored.

    Attributes:
        cluster: Where the jobs run.
    """

    def __init__(self, cluster: FaultyCluster) -> None:
        self.cluster = cluster
        self._connected = True
        self._heard: dict[str, int] = {}  # by attempt: how many of its events were delivered
        self._workers: dict[str, FaultyWorker] = {}
        self._in_flight: dict[int, FaultyWorker] = {}

    @property
    def capacity(self) -> int:
        """How many trials may be in flight at once."""
        return self.cluster.capacity

    @property
    def refusal(self) -> str:
        """What the cluster refuses jobs for; "" while it takes them."""
        return self.cluster.refusal

    @property
    def settled(self) -> dict[str, RemoteUsage]:
        """Nothing: threads cost nothing."""
        return {}

    def start(self, site: RunSite) -> None:
        """Do nothing: threads start with their jobs."""

    def submit(self, job: TrialJob) -> None:
        """Begin to train a job.

        Raises:
            ConnectionError: The backend was cut off.
            RuntimeError: `capacity` jobs are in flight, or one of the same trial is, or jobs are
                refused.
        """
        self._check_connection()
        if self.refusal:
            raise RuntimeError(f"submit() of trial {job.trial} though {self.refusal}")
        if len(self._in_flight) >= self.capacity or job.trial in self._in_flight:
            raise RuntimeError(
                f"submit() of trial {job.trial} while {sorted(self._in_flight)} are in flight; "
                f"the capacity is {self.capacity}"
            )
        self._follow(self.cluster.launch(job))

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return what is due, in order; wait at most `timeout` seconds for something to be.

        Raises:
            ConnectionError: The backend was cut off.
        """
        self._check_connection()
        deadline = time.monotonic() + timeout
        with self.cluster.changed:
            while not (events := self._due()):
                left = min(deadline, self._next_due()) - time.monotonic()
                if deadline <= time.monotonic():
                    return []
                self.cluster.changed.wait(left)
        return events

    def stop(self, trial: int) -> None:
        """Ask a trial to end at its next step."""
        if self._connected and trial in self._in_flight:
            self._in_flight[trial].stop()

    def kill(self, trial: int) -> None:
        """End a trial at once."""
        if self._connected and trial in self._in_flight:
            self._in_flight[trial].lose("killed, as the study asked")

    def reattach(self, job: TrialJob) -> bool:
        """Follow a job that an earlier connection submitted, from its first event."""
        self._check_connection()
        worker = self.cluster.find(job)
        if worker is not None:
            self._follow(worker)
        return worker is not None

    def close(self) -> None:
        """End all workers, unless cut off: then they are the next connection's."""
        if self._connected:
            self.cluster.end_all()

    def disconnect(self) -> None:
        """Cut this backend off: `stop`, `kill` and `close` reach nobody, the rest raises."""
        self._connected = False

    def _check_connection(self) -> None:
        if not self._connected:
            raise ConnectionError("this backend was cut off from its cluster")

    def _follow(self, worker: FaultyWorker) -> None:
        attempt = worker.job.attempt
        self._workers[attempt], self._heard[attempt] = worker, 0
        self._in_flight[worker.job.trial] = worker

    def _due(self) -> list[BackendEvent]:
        now = time.monotonic()
        due = []
        for attempt, worker in self._workers.items():
            events = [event for at, event in worker.log[self._heard[attempt] :] if at <= now]
            self._heard[attempt] += len(events)
            due += events
            if any(isinstance(event, TrainingFinished) for event in events):
                self._land(worker)
        return due

    def _land(self, worker: FaultyWorker) -> None:
        if self._in_flight.get(worker.job.trial) is worker:
            del self._in_flight[worker.job.trial]

    def _next_due(self) -> float:
        """Return when the next event is due, of `time.monotonic`; infinity if none is known."""
        waiting = (each.log[self._heard[name] :] for name, each in self._workers.items())
        return min((log[0][0] for log in waiting if log), default=float("inf"))
