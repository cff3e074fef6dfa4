"""The workers of one endpoint: started on demand, stopped when idle, lost now and then."""

from __future__ import annotations

import math
import signal
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

    from hpo_torch.testing.runpod_standin.faults import Fault, Faults
    from hpo_torch.testing.runpod_standin.processes import ProcessGroups
    from hpo_torch.testing.runpod_standin.queue import JobQueue

# A container that ends at once is started again, but not as fast as this machine can.
_RESTART_SECONDS = 1.0


@dataclass(slots=True)
class Worker:
    """One worker, past or present. Times: `time.monotonic()`.

    Attributes:
        id: Its id, which is RUNPOD_POD_ID in its environment.
        due: When its process starts, or started: the end of the cold start.
        wanted: When it was decided to start it.
        process: Its process, once that was started.
        ready: When it first asked for a job.
        ended: When its process ended.
        stopping: When it was asked to end.
        stale: Whether its endpoint's image or environment changed since; it ends when idle.
        pings: When it pinged, and which jobs it named.
    """

    id: str
    wanted: float
    due: float
    process: subprocess.Popen[bytes] | None = None
    ready: float | None = None
    idle_since: float | None = None
    ended: float | None = None
    stopping: float | None = None
    killed_at: float = math.inf
    stale: bool = False
    pings: list[tuple[float, str]] = field(default_factory=list)

    def billed_seconds(self) -> int:
        """Return whole seconds from its process's start to its end, rounded up.

        That is what RunPod bills (docs.runpod.io, Serverless "Pricing"): start, execution, idle
        time; not the wait for a machine and the image.
        """
        if self.process is None:
            return 0
        return math.ceil((self.ended or time.monotonic()) - self.due)


WorkerState = Literal["initializing", "idle", "running", "throttled", "unhealthy"]


class Fleet:
    """Scales the workers of an endpoint by its queue; `tick` is called often.

    Args:
        queue: The endpoint's jobs.
        processes: Starts and ends processes.
        environment: What the platform sets in a worker's environment, for its id.
        faults: Asked at every start.

    Attributes:
        workers: Everyone there ever was.
    """

    def __init__(
        self,
        queue: JobQueue,
        processes: ProcessGroups,
        environment: Callable[[str], Mapping[str, str]],
        faults: Faults,
    ) -> None:
        self.queue, self.processes, self.faults = queue, processes, faults
        self.environment = environment
        self.workers: list[Worker] = []

    def alive(self) -> list[Worker]:
        """Return the workers that start or run and were not asked to end."""
        return [each for each in self.workers if each.ended is None and each.stopping is None]

    def find(self, worker: str) -> Worker | None:
        """Return a worker by its id."""
        return next((each for each in self.workers if each.id == worker), None)

    def tick(self) -> None:
        """Look after everyone once."""
        now = time.monotonic()
        for worker in self.workers:
            if worker.ended is None:
                self._look_after(worker, now)
        self._scale(now)

    def heard_from(self, worker: Worker) -> None:
        """Note that a worker asks for jobs."""
        worker.ready = worker.ready or time.monotonic()

    def kill(self, worker: Worker) -> None:
        """End a worker at once, as a crash of its machine would."""
        if worker.process is not None and worker.ended is None:
            self.processes.kill(worker.process)
            self._note_end(worker)

    def renew(self) -> None:
        """Replace all workers, each as soon as it has no job."""
        for worker in self.alive():
            worker.stale = True

    def close(self) -> None:
        """End all workers at once, and start none any more."""
        self.queue.endpoint.workers_max = 0
        for worker in self.workers:
            self.kill(worker)
            worker.ended = worker.ended or time.monotonic()

    def states(self) -> dict[WorkerState, int]:
        """Return how many workers are in which state."""
        counts: dict[WorkerState, int] = dict.fromkeys(
            ("initializing", "idle", "running", "throttled", "unhealthy"), 0
        )
        for worker in self.alive():
            counts[self.state(worker)] += 1
        trouble = self.queue.endpoint.worker_trouble
        if trouble:
            counts[trouble] += self._wanted()
        return counts

    def state(self, worker: Worker) -> WorkerState:
        """Return the state of a worker that lives."""
        if worker.ready is None:
            return "initializing"
        return "running" if self.queue.running(worker.id) else "idle"

    def _wanted(self) -> int:
        kept = self.queue.endpoint
        requests = len(self.queue.waiting()) + len(self.queue.running())
        wanted = max(kept.workers_min, math.ceil(requests / kept.scaler_value))
        return min(kept.workers_max, wanted)

    def _scale(self, now: float) -> None:
        kept = self.queue.endpoint
        if kept.worker_trouble or not kept.command:
            return
        missing = self._wanted() - len(self.alive())
        for _ in range(missing):
            self.workers.append(
                Worker(
                    uuid.uuid4().hex[:14], now, max(now + kept.cold_start_seconds, self._pause())
                )
            )

    def _pause(self) -> float:
        crashes = [each.ended for each in self.workers if each.ended and each.ready is None]
        return max(crashes) + _RESTART_SECONDS if crashes else 0.0

    def _look_after(self, worker: Worker, now: float) -> None:
        if worker.process is None:
            self._start_if_due(worker, now)
        elif worker.process.poll() is not None:
            self.kill(worker)  # what it started goes with it, as a container does
        elif worker.stopping is not None:
            if now - worker.stopping > self.queue.endpoint.stop_seconds:
                self.kill(worker)
        elif now > worker.killed_at:
            self.kill(worker)
        else:
            self._stop_if_idle(worker, now)

    def _start_if_due(self, worker: Worker, now: float) -> None:
        if len(self.alive()) > self._wanted():
            worker.ended = now  # nobody needs it any more
        elif now >= worker.due:
            worker.due = now
            fault = self.faults.meeting("start", self.queue.endpoint.id)
            worker.process = self.processes.start(
                worker.id, self.queue.endpoint.command, self.environment(worker.id)
            )
            worker.killed_at = _time_of_death(fault, now)

    def _stop_if_idle(self, worker: Worker, now: float) -> None:
        if worker.ready is None or self.queue.running(worker.id):
            worker.idle_since = None
            return
        worker.idle_since = worker.idle_since or now
        kept = self.queue.endpoint
        surplus = len(self.alive()) > self._wanted()
        if worker.stale or (surplus and now - worker.idle_since > kept.idle_timeout_seconds):
            self._stop(worker, now)

    def _stop(self, worker: Worker, now: float) -> None:
        worker.stopping = now
        if worker.process is not None:
            worker.process.send_signal(signal.SIGTERM)
        self.queue.changed.ring()  # its polls end, and so it ends at once

    def _note_end(self, worker: Worker) -> None:
        worker.ended = time.monotonic()
        self.queue.lose_worker(worker.id, _how(worker))


def _how(worker: Worker) -> str:
    """Return how a worker's process ended, in words."""
    code = None if worker.process is None else worker.process.poll()
    if code is None:
        return ""
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


def _time_of_death(fault: Fault | None, now: float) -> float:
    return now + fault.seconds if fault else math.inf
