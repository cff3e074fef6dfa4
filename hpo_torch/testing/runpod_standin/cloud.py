"""What all requests are about: keys, endpoints with their queues and workers, what they cost."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from hpo_torch.testing.runpod_standin.catalog import Gpu, documented_gpus
from hpo_torch.testing.runpod_standin.fleet import Fleet
from hpo_torch.testing.runpod_standin.queue import JobQueue, Rejected
from hpo_torch.testing.runpod_standin.rates import RateGate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.testing.runpod_standin.counts import Counts
    from hpo_torch.testing.runpod_standin.endpoint import Endpoint
    from hpo_torch.testing.runpod_standin.faults import Faults
    from hpo_torch.testing.runpod_standin.processes import ProcessGroups

JOBS_API = "/api.runpod.ai/v2"  # the host is part of the path: hosts share paths like /v2
CORE_API = "/api.runpod.io"


@dataclass(slots=True)
class Hosted:
    """An endpoint with its queue, its workers and its clients' rates."""

    endpoint: Endpoint
    queue: JobQueue
    fleet: Fleet
    rates: RateGate


@dataclass(slots=True)
class Cloud:
    """Everything that requests are about; touched from the server's event loop only.

    Attributes:
        url: Where the server listens, without a path.
        certificate: File of its certificate.
        processes: Where workers run.
        api_key: What clients authorise with.
        worker_key: What workers authorise with.
        catalog: Kinds of GPU by id, with their prices.
        hosted: Open endpoints by id.
        removed: Endpoints that were closed; their workers were paid for all the same.
    """

    url: str
    certificate: str
    processes: ProcessGroups
    faults: Faults
    counts: Counts
    api_key: str = field(default_factory=lambda: f"rpa_{secrets.token_hex(20)}")
    worker_key: str = field(default_factory=lambda: f"worker_{secrets.token_hex(20)}")
    catalog: dict[str, Gpu] = field(default_factory=documented_gpus)
    hosted: dict[str, Hosted] = field(default_factory=dict)
    removed: list[Hosted] = field(default_factory=list)

    def host(self, endpoint: Endpoint) -> Hosted:
        """Open an endpoint.

        Raises:
            ValueError: There is one with this id, or its GPU is not in the catalogue.
        """
        if endpoint.id in self.hosted:
            raise ValueError(f"there is already an endpoint {endpoint.id!r}")
        if endpoint.gpu not in self.catalog:
            raise ValueError(f"endpoint {endpoint.id!r}: unknown GPU {endpoint.gpu!r}")
        queue = JobQueue(endpoint)
        fleet = Fleet(
            queue,
            self.processes,
            lambda worker: self.worker_environment(endpoint, worker),
            self.faults,
        )
        self.hosted[endpoint.id] = made = Hosted(endpoint, queue, fleet, RateGate(endpoint))
        return made

    def find(self, endpoint: str) -> Hosted:
        """Return an open endpoint.

        Raises:
            Rejected: 404, there is none.
        """
        if endpoint not in self.hosted:
            raise Rejected(404, f"endpoint not found: {endpoint}")
        return self.hosted[endpoint]

    def remove(self, endpoint: str) -> None:
        """Close an endpoint and end its workers.

        Raises:
            Rejected: 404, there is none.
        """
        gone = self.find(endpoint)
        gone.fleet.close()
        self.removed.append(self.hosted.pop(endpoint))

    def cost(self, hosted: Hosted) -> float:
        """Return what an endpoint's workers cost so far, USD."""
        per_second = self.catalog[hosted.endpoint.gpu].per_second * hosted.endpoint.gpu_count
        return per_second * sum(each.billed_seconds() for each in hosted.fleet.workers)

    def everything(self) -> list[Hosted]:
        """Return all endpoints there are and were."""
        return [*self.removed, *self.hosted.values()]

    def tick(self) -> None:
        """Let time pass."""
        for hosted in list(self.hosted.values()):
            hosted.queue.expire()
            hosted.fleet.tick()

    def close(self) -> None:
        """End all workers."""
        for hosted in self.hosted.values():
            hosted.fleet.close()

    def worker_environment(self, endpoint: Endpoint, worker: str) -> Mapping[str, str]:
        """Return what the platform sets in a worker's environment.

        The names are those that the SDK reads (serverless/modules: worker_state.py, rp_job.py,
        rp_http.py, rp_ping.py); it replaces $ID and $RUNPOD_POD_ID itself, and appends "&..." to
        the first three. The SDK's checks of memory, disk and network are off: they check the
        cloud's machines.
        """
        base = f"{self.url}{JOBS_API}/{endpoint.id}"
        card = f"?gpu={quote(endpoint.gpu)}"
        return {
            "RUNPOD_POD_ID": worker,
            "RUNPOD_ENDPOINT_ID": endpoint.id,
            "RUNPOD_AI_API_KEY": self.worker_key,
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID{card}",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID{card}",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID{card}",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID",
            "RUNPOD_PING_INTERVAL": str(1000 * endpoint.ping_seconds),
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
            "SSL_CERT_FILE": self.certificate,  # the worker's aiohttp
            "REQUESTS_CA_BUNDLE": self.certificate,  # its pings
            **endpoint.env,
        }
