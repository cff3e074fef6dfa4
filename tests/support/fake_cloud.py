"""RunPod without a network, a process or the SDK: a test moves its jobs on by hand."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from hpo_torch_runpod.endpoint_client import JobAnswer, NotFoundError, UnreachableError
from hpo_torch_runpod.wire import dump_line, encode_chunks


@dataclass
class FakeJob:
    """A job; a test moves it on, and threads see that at their next look.

    Its handler's runs are numbered: a test that begins another one adds 1 to `run`.
    """

    id: str
    endpoint: str
    input: dict
    policy: dict
    status: str = "IN_QUEUE"
    run: int = 0
    chunks: list = field(default_factory=list)
    streamed: int = 0
    lost: set = field(default_factory=set)  # positions of chunks that the stream never hands out
    error: str = ""
    output: list | None = None
    delay_ms: float | None = None
    execution_ms: float | None = None
    gone: bool = False

    @property
    def trials(self) -> list[int]:
        return [trial["trial"] for trial in self.input["trials"]]

    def take(self, delay_ms=1000.0):
        self.status, self.delay_ms = "IN_PROGRESS", delay_ms

    def say(self, *lines):
        """Yield lines, each in a chunk of its own."""
        for line in lines:
            run = f"run-{self.run}"
            number = sum(chunk["r"] == run for chunk in self.chunks)
            self.chunks += encode_chunks(run, [dump_line(line)], number)

    def complete(self, execution_ms=5000.0, *, output=True):
        self.output = self.chunks if output else None
        self.end("COMPLETED", execution_ms)

    def end(self, status, execution_ms=5000.0, error=""):
        self.error, self.execution_ms = error, execution_ms
        self.status = status


class FakeCloud:
    """Endpoints whose jobs do what a test says.

    Attributes:
        jobs: Everything posted, in order.
        refused: Errors by the kind of request that they meet.
        down: While set, every request fails.
        lost_answers: While above 0, a post is taken, but its answer is lost.
    """

    def __init__(self):
        self.jobs: list[FakeJob] = []
        self.refused = {}
        self.down = False
        self.lost_answers = 0
        self.cancelled: list[str] = []
        self.asked = defaultdict(int)
        self.workers = {"idle": 0, "throttled": 2}
        self.changed = threading.Condition()

    def connect(self, endpoint, hurry=None):
        return FakeClient(self, endpoint)

    def job(self, number=0, seconds=10.0) -> FakeJob:
        """Wait until so many jobs and one more were posted, and return that one."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.jobs) > number, seconds)
            return self.jobs[number]

    def wait_for(self, condition, seconds=10.0):
        with self.changed:
            assert self.changed.wait_for(condition, seconds)

    def find(self, job_id) -> FakeJob:
        found = next((job for job in self.jobs if job.id == job_id and not job.gone), None)
        if found is None:
            raise NotFoundError("no such job any more")
        return found


class FakeClient:
    def __init__(self, cloud, endpoint):
        self.cloud, self.endpoint, self.patience = cloud, endpoint, 0.0
        self.bytes_sent = self.bytes_received = 0

    def run(self, job_input, policy):
        self._ask("run")
        with self.cloud.changed:
            job = FakeJob(f"job-{len(self.cloud.jobs)}", self.endpoint, job_input, policy)
            self.cloud.jobs.append(job)
            self.cloud.changed.notify_all()
            if self.cloud.lost_answers:
                self.cloud.lost_answers -= 1
                raise UnreachableError("the answer was lost")
        return job.id

    def status(self, job_id):
        self._ask("status")
        job = self.cloud.find(job_id)
        return self._answer(job, job.output or [] if job.status == "COMPLETED" else [])

    def stream(self, job_id):
        self._ask("stream")
        job = self.cloud.find(job_id)
        first, job.streamed = job.streamed, len(job.chunks)
        told = range(first, job.streamed)
        return self._answer(job, [job.chunks[n] for n in told if n not in job.lost])

    def cancel(self, job_id):
        self._ask("cancel")
        job = self.cloud.find(job_id)
        with self.cloud.changed:
            self.cloud.cancelled.append(job_id)
            if job.status in ("IN_QUEUE", "IN_PROGRESS"):
                job.end("CANCELLED")
            self.cloud.changed.notify_all()

    def health(self):
        self._ask("health")
        return {"workers": self.cloud.workers}

    def close(self):
        pass

    def _answer(self, job, chunks):
        return JobAnswer(
            status=job.status,
            chunks=list(chunks),
            error=job.error,
            delay_ms=job.delay_ms,
            execution_ms=job.execution_ms,
        )

    def _ask(self, what):
        self.bytes_sent += 100
        self.bytes_received += 1000
        self.cloud.asked[what] += 1
        if self.cloud.down:
            raise UnreachableError("down")
        if what in self.cloud.refused:
            raise self.cloud.refused[what]
