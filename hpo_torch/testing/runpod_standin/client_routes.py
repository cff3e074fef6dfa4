"""RunPod's API for jobs (docs.runpod.io, "Operation reference"), which the SDK's client asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.testing.runpod_standin.cloud import JOBS_API
from hpo_torch.testing.runpod_standin.exchange import Reply
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from aiohttp import web

    from hpo_torch.testing.runpod_standin.cloud import Cloud, Hosted
    from hpo_torch.testing.runpod_standin.exchange import Call, Gate
    from hpo_torch.testing.runpod_standin.faults import Place
    from hpo_torch.testing.runpod_standin.job import Job

_SYNC_WAIT_MS = 90_000  # /runsync without ?wait=


class ClientRoutes:
    """Handlers by operation."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Serve them."""
        base = f"{JOBS_API}/{{endpoint}}"
        router = app.router
        router.add_post(f"{base}/run", gate.wrap("submit", self.run))
        router.add_post(f"{base}/runsync", gate.wrap("submit", self.runsync))
        router.add_get(f"{base}/status/{{job}}", gate.wrap("poll", self.status))
        router.add_get(f"{base}/stream/{{job}}", gate.wrap("stream", self.stream))
        router.add_post(f"{base}/cancel/{{job}}", gate.wrap("cancel", self.cancel))
        router.add_post(f"{base}/retry/{{job}}", gate.wrap("retry", self.retry))
        router.add_get(f"{base}/health", gate.wrap("health", self.health))
        router.add_post(f"{base}/purge-queue", gate.wrap("purge", self.purge))

    def place_of_status(self, endpoint: str, job: str) -> Place:
        """Return "poll" for a job that goes on, "fetch" for one that has ended or is unknown."""
        hosted = self.cloud.hosted.get(endpoint)
        found = hosted.queue.jobs.get(job) if hosted else None
        return "poll" if found is not None and not found.final else "fetch"

    async def run(self, call: Call) -> Reply:
        """POST /run: the job waits, and its id is told."""
        hosted = self._enter(call, "run")
        job = self._submit(call, hosted, limit=hosted.endpoint.run_limit_bytes)
        return Reply(body={"id": job.id, "status": job.status})

    async def runsync(self, call: Call) -> Reply:
        """POST /runsync: the answer waits for the job's end, for at most ?wait= ms."""
        hosted = self._enter(call, "runsync")
        job = self._submit(call, hosted, limit=hosted.endpoint.sync_limit_bytes, sync=True)
        wait = int(call.request.query.get("wait", _SYNC_WAIT_MS)) / 1000
        await hosted.queue.changed.first(lambda: job.final or None, wait)
        return Reply(body=job.public())

    async def status(self, call: Call) -> Reply:
        """GET /status: how it stands, with the output at the end."""
        job = self._enter(call, "status").queue.find(call.job)
        return Reply(body=job.public())

    async def stream(self, call: Call) -> Reply:
        """GET /stream: what the handler has yielded since the last such request."""
        hosted = self._enter(call, "stream")
        job = hosted.queue.find(call.job)
        chunks = self._chunks(call, hosted, job)
        told = [{"metrics": {}, "output": _output_of(chunk)} for chunk in chunks]
        return Reply(body={"status": job.status, "stream": told})

    async def cancel(self, call: Call) -> Reply:
        """POST /cancel: end it; the worker hears of it through job-stop."""
        hosted = self._enter(call, "cancel")
        job = hosted.queue.find(call.job)
        hosted.queue.cancel(job)
        return Reply(body={"id": job.id, "status": job.status})

    async def retry(self, call: Call) -> Reply:
        """POST /retry: wait again (docs.runpod.io, "Operation reference"; not in the SDK)."""
        hosted = self._enter(call, "retry")
        job = hosted.queue.find(call.job)
        hosted.queue.retry(job)
        return Reply(body={"id": job.id, "status": job.status})

    async def health(self, call: Call) -> Reply:
        """GET /health: jobs and workers, counted by state."""
        hosted = self._enter(call, "health")
        jobs = [job for job in hosted.queue.jobs.values() if not job.gone]
        states = hosted.fleet.states()
        counted = {
            "completed": sum(job.status == "COMPLETED" for job in jobs),
            "failed": sum(job.status in {"FAILED", "TIMED_OUT"} for job in jobs),
            "inProgress": len(hosted.queue.running()),
            "inQueue": len(hosted.queue.waiting()),
            "retried": hosted.queue.retried,
        }
        workers = dict(states) | {"ready": states["idle"]}
        return Reply(body={"jobs": counted, "workers": workers})

    async def purge(self, call: Call) -> Reply:
        """POST /purge-queue: remove what waits."""
        removed = self._enter(call, "purge-queue").queue.purge()
        return Reply(body={"removed": removed, "status": "completed"})

    def _enter(self, call: Call, operation: str) -> Hosted:
        check_key(call, self.cloud)
        hosted = self.cloud.find(call.endpoint)
        hosted.rates.enter(operation)
        return hosted

    def _submit(self, call: Call, hosted: Hosted, *, limit: int, sync: bool = False) -> Job:
        if len(call.body) > limit:
            raise Rejected(400, f"body of {len(call.body)} bytes, at most {limit}")
        job = hosted.queue.submit(call.json(), sync=sync)
        call.job = job.id
        return job

    def _chunks(self, call: Call, hosted: Hosted, job: Job) -> list[Any]:
        fault = call.fault
        if fault is not None and fault.kind == "repeat":
            return list(job.unread)
        if fault is not None and fault.kind == "late":
            told = job.final and job.since() >= fault.seconds
            return hosted.queue.read_chunks(job) if told else []
        return hosted.queue.read_chunks(job)


def check_key(call: Call, cloud: Cloud) -> None:
    """Let only the account's key in; the pages "Operation reference" write it without "Bearer".

    Raises:
        Rejected: 401.
    """
    key = call.request.headers.get("Authorization", "").removeprefix("Bearer ")
    if key != cloud.api_key:
        raise Rejected(401, "unauthorized")


def _output_of(chunk: Any) -> Any:
    return chunk.get("output", chunk) if isinstance(chunk, dict) else chunk
