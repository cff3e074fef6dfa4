"""The jobs of one endpoint: who waits, who runs, how each ends. No network, no processes."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from hpo_torch.testing.runpod_standin.job import Job
from hpo_torch.testing.runpod_standin.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.testing.runpod_standin.endpoint import Endpoint


class Rejected(Exception):
    """The platform refuses what a worker or a client sent, with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class JobQueue:
    """Keeps an endpoint's jobs.

    Attributes:
        endpoint: Whose jobs they are.
        jobs: Every job ever submitted, by id.
        changed: Rings when a job was added, taken, ended, or is to be stopped.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.jobs: dict[str, Job] = {}
        self.changed = Pulse()
        self.retried = 0
        self._stops: dict[str, list[str]] = {}  # by worker: jobs that it shall stop

    def submit(self, body: Mapping[str, Any], *, sync: bool = False) -> Job:
        """Add a job that waits for a worker.

        Raises:
            Rejected: There is no input, or the policy is none.
        """
        if "input" not in body:
            raise Rejected(400, "input is required")
        policy = body.get("policy") or {}
        kept = self.endpoint
        job = Job(
            id=f"{uuid.uuid4()}-{'sync' if sync else 'u1'}",
            endpoint=kept.id,
            input=body["input"],
            execution_timeout=_seconds(policy, "executionTimeout", kept.execution_timeout_seconds),
            ttl=_seconds(policy, "ttl", kept.ttl_seconds),
            retention=kept.sync_retention_seconds if sync else kept.retention_seconds,
        )
        self.jobs[job.id] = job
        self.changed.ring()
        return job

    def find(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            Rejected: 404, it is unknown or gone.
        """
        job = self.jobs.get(job_id)
        if job is None or job.gone:
            raise Rejected(404, f"job not found: {job_id}")
        return job

    def waiting(self) -> list[Job]:
        """Return the jobs that no worker has, in order of submission."""
        return [job for job in self.jobs.values() if job.status == "IN_QUEUE" and not job.gone]

    def running(self, worker: str | None = None) -> list[Job]:
        """Return the jobs that a worker has; those of one worker, if it is named."""
        return [
            job
            for job in self.jobs.values()
            if job.status == "IN_PROGRESS" and not job.gone and worker in {None, job.worker}
        ]

    def take(self, worker: str, count: int = 1) -> list[Job]:
        """Give waiting jobs to a worker."""
        taken = list(itertools.islice(self.waiting(), count))
        for job in taken:
            job.workers.append(worker)
            job.enter("IN_PROGRESS")
        if taken:
            self.changed.ring()
        return taken

    def stops(self, worker: str) -> list[str]:
        """Return the ids of the jobs that a worker shall stop; every one is told once."""
        return self._stops.pop(worker, [])

    def add_chunk(self, job_id: str, worker: str, chunk: Any, size: int) -> None:
        """Store what a handler yielded; of a job that ended, or is another worker's, nothing.

        Raises:
            Rejected: It is larger than the limit.
        """
        if size > self.endpoint.chunk_limit_bytes:
            raise Rejected(400, f"chunk of {size} bytes, at most {self.endpoint.chunk_limit_bytes}")
        job = self.jobs.get(job_id)
        if job is not None and job.status == "IN_PROGRESS" and job.worker == worker:
            job.chunks.append(chunk)
            job.unread.append(chunk)
            self.changed.ring()

    def read_chunks(self, job: Job) -> list[Any]:
        """Return what /stream tells now."""
        if not self.endpoint.streamed_once:
            return list(job.chunks)
        unread, job.unread = job.unread, []
        return unread

    def finish(self, job_id: str, worker: str, result: Mapping[str, Any], size: int) -> None:
        """Store a worker's result or progress; of a job that ended, or is another's, nothing.

        Raises:
            Rejected: It is too large, and the endpoint rejects such.
        """
        job = self.jobs.get(job_id)
        if job is None or job.gone or job.worker != worker:
            return
        if result.get("status") == "IN_PROGRESS":
            self._progress(job, result)
        elif job.status == "IN_PROGRESS":
            self._end(job, result, size)
        self.changed.ring()

    def cancel(self, job: Job) -> None:
        """End a job that waits or runs; its worker is told. One that has ended stays as it is."""
        if not job.final:
            self._interrupt(job, "CANCELLED", "")

    def purge(self) -> int:
        """Remove the jobs that wait, and say how many they were; those that run go on."""
        waiting = self.waiting()
        for job in waiting:
            job.gone = "purged"
        self.changed.ring()
        return len(waiting)

    def retry(self, job: Job) -> None:
        """Let a job that failed or timed out wait again, without its output (same id).

        Raises:
            Rejected: It did neither.
        """
        if job.status not in {"FAILED", "TIMED_OUT"}:
            raise Rejected(400, f"only FAILED and TIMED_OUT jobs are retried, not {job.status}")
        job.unread = []
        self._requeue(job)

    def lose_worker(self, worker: str, how: str = "") -> None:
        """Decide what comes of the jobs of a worker that died; `how` in words, for the error."""
        self._stops.pop(worker, None)
        for job in self.running(worker):
            if self.endpoint.worker_loss == "requeue":
                self._requeue(job)
            elif self.endpoint.worker_loss == "fail":
                job.error = f"worker exited {how}".rstrip()
                job.enter("FAILED")
        self.changed.ring()

    def expire(self) -> None:
        """End what has run, waited or been kept for too long."""
        now = time.monotonic()
        for job in self.jobs.values():
            if job.gone:
                continue
            if job.final:
                job.gone = "retention" if job.since() > job.retention else ""
            elif now - job.submitted > job.ttl:
                self._let_go(job)
            elif job.status == "IN_PROGRESS" and job.since() > job.execution_timeout:
                self._interrupt(job, "TIMED_OUT", "job timed out")

    def _let_go(self, job: Job) -> None:
        if job.status == "IN_QUEUE" and self.endpoint.expired_in_queue == "timed_out":
            self._interrupt(job, "TIMED_OUT", "job expired")
        else:
            self._tell_worker(job)
            job.gone = "ttl"

    def _end(self, job: Job, result: Mapping[str, Any], size: int) -> None:
        if size > self.endpoint.result_limit_bytes:
            self._end_oversized(job, size)
            return
        job.output, job.error = result.get("output"), _text(result.get("error"))
        job.enter("FAILED" if job.error else "COMPLETED")

    def _end_oversized(self, job: Job, size: int) -> None:
        kind = self.endpoint.oversized_result
        message = f"result of {size} bytes, at most {self.endpoint.result_limit_bytes}"
        if kind == "rejected":
            raise Rejected(400, message)
        job.output, job.error = None, message if kind == "failed" else ""
        job.enter("FAILED" if kind == "failed" else "COMPLETED")

    def _progress(self, job: Job, result: Mapping[str, Any]) -> None:
        if job.final and self.endpoint.late_progress_reopens:
            job.enter("IN_PROGRESS")
        if not job.final:
            job.output = result.get("output")

    def _interrupt(self, job: Job, status: str, error: str) -> None:
        self._tell_worker(job)
        job.error = error
        job.enter(status)

    def _tell_worker(self, job: Job) -> None:
        if job.status == "IN_PROGRESS":
            self._stops.setdefault(job.worker, []).append(job.id)
        self.changed.ring()

    def _requeue(self, job: Job) -> None:
        self.retried += 1
        job.output, job.error = None, ""
        job.enter("IN_QUEUE")
        self.changed.ring()


def _seconds(policy: Mapping[str, Any], name: str, default: float) -> float:
    value = policy.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise Rejected(400, f"policy.{name} is milliseconds above 0, not {value!r}")
    return float(value) / 1000


def _text(error: object) -> str:
    return error if isinstance(error, str) else json.dumps(error) if error else ""
