"""The platform's side of a worker: what `runpod.serverless.start` asks and tells.

The SDK is the only document of it: serverless/modules rp_job.py, rp_http.py, rp_ping.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hpo_torch.testing.runpod_standin.cloud import JOBS_API
from hpo_torch.testing.runpod_standin.exchange import Reply
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from aiohttp import web

    from hpo_torch.testing.runpod_standin.cloud import Cloud, Hosted
    from hpo_torch.testing.runpod_standin.exchange import Call, Gate
    from hpo_torch.testing.runpod_standin.job import Job

_NOTHING = 204


class WorkerRoutes:
    """Handlers by operation."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Serve them."""
        base = f"{JOBS_API}/{{endpoint}}"
        router = app.router
        router.add_get(f"{base}/job-take/{{worker}}", gate.wrap("take", self.take))
        router.add_get(f"{base}/job-take-batch/{{worker}}", gate.wrap("take", self.take_batch))
        router.add_get(f"{base}/job-stop/{{worker}}", gate.wrap("stop", self.stop))
        router.add_get(f"{base}/ping/{{worker}}", gate.wrap("ping", self.ping))
        router.add_post(f"{base}/job-done/{{worker}}/{{job}}", gate.wrap("done", self.done))
        router.add_post(f"{base}/job-stream/{{worker}}/{{job}}", gate.wrap("chunk", self.chunk))

    async def take(self, call: Call) -> Reply:
        """GET job-take: wait for one job; 204 if there is none for a while."""
        jobs = await self._take(call, 1)
        return Reply(body=jobs[0]) if jobs else Reply(status=_NOTHING)

    async def take_batch(self, call: Call) -> Reply:
        """GET job-take-batch: the same for as many as the worker has room for."""
        jobs = await self._take(call, int(call.request.query.get("batch_size", "1")))
        return Reply(body=jobs) if jobs else Reply(status=_NOTHING)

    async def stop(self, call: Call) -> Reply:
        """GET job-stop: wait for jobs that this worker shall stop (SDK 1.10 and later ask)."""
        hosted, name = self._enter(call)
        ids = await hosted.queue.changed.first(
            lambda: [] if self._leaves(call, hosted, name) else hosted.queue.stops(name) or None,
            hosted.endpoint.poll_seconds,
        )
        return Reply(body={"jobsToStop": ids}) if ids else Reply(status=_NOTHING)

    async def ping(self, call: Call) -> Reply:
        """GET ping: the worker lives, and names its jobs."""
        hosted, name = self._enter(call)
        worker = hosted.fleet.find(name)
        if worker is not None:
            worker.pings.append((time.monotonic(), call.request.query.get("job_id", "")))
        return Reply(body={})

    async def done(self, call: Call) -> Reply:
        """POST job-done: a result, an error, or a job's progress."""
        hosted, name = self._enter(call)
        hosted.queue.finish(call.job, name, call.json(), len(call.body))
        return Reply(body={})

    async def chunk(self, call: Call) -> Reply:
        """POST job-stream: something that the handler yielded."""
        hosted, name = self._enter(call)
        hosted.queue.add_chunk(call.job, name, call.json(), len(call.body))
        return Reply(body={})

    async def _take(self, call: Call, count: int) -> list[dict[str, object]]:
        hosted, name = self._enter(call)
        worker = hosted.fleet.find(name)
        if worker is not None:
            hosted.fleet.heard_from(worker)
        jobs: list[Job] | None = await hosted.queue.changed.first(
            lambda: (
                [] if self._leaves(call, hosted, name) else hosted.queue.take(name, count) or None
            ),
            hosted.endpoint.poll_seconds,
        )
        if jobs and len(jobs) == 1:
            call.job = jobs[0].id
        return [{"id": job.id, "input": job.input} for job in jobs or []]

    def _leaves(self, call: Call, hosted: Hosted, name: str) -> bool:
        """Say whether nothing shall be told: it was asked to end, is dead, or hung up."""
        worker = hosted.fleet.find(name)
        ends = worker is not None and (worker.ended, worker.stopping) != (None, None)
        return ends or call.gone()

    def _enter(self, call: Call) -> tuple[Hosted, str]:
        if call.request.headers.get("Authorization") != self.cloud.worker_key:
            raise Rejected(401, "unauthorized")
        return self.cloud.find(call.endpoint), call.request.match_info["worker"]
