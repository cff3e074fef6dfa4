"""The stand-in as a context manager: a server in a thread, and the processes it starts."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import web

from hpo_torch.testing.runpod_standin.account import Account
from hpo_torch.testing.runpod_standin.certificate import make_certificate, server_context
from hpo_torch.testing.runpod_standin.client_routes import ClientRoutes
from hpo_torch.testing.runpod_standin.cloud import CORE_API, JOBS_API, Cloud
from hpo_torch.testing.runpod_standin.counts import Counts
from hpo_torch.testing.runpod_standin.exchange import Gate
from hpo_torch.testing.runpod_standin.faults import Faults
from hpo_torch.testing.runpod_standin.graphql import GraphQl
from hpo_torch.testing.runpod_standin.processes import ProcessGroups
from hpo_torch.testing.runpod_standin.rest_v2 import RestV2
from hpo_torch.testing.runpod_standin.worker_routes import WorkerRoutes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpo_torch.testing.runpod_standin.account import Template
    from hpo_torch.testing.runpod_standin.catalog import Gpu
    from hpo_torch.testing.runpod_standin.endpoint import Endpoint
    from hpo_torch.testing.runpod_standin.fleet import Worker
    from hpo_torch.testing.runpod_standin.job import Job

_T = TypeVar("_T")
_TICK_SECONDS = 0.05
_LOG_END = 4000
_LARGEST_REQUEST = 64 * 2**20  # above every limit, so that the limits answer


class RunpodStandin:
    """RunPod on loopback, while the `with` block lasts.

        with RunpodStandin() as standin:
            standin.add_endpoint(Endpoint(id="ep", command=[sys.executable, "-u", "main.py"]))
            os.environ.update(standin.environment())

    Args:
        worker_command: Starts the workers of endpoints that the management APIs make.

    Attributes:
        faults: What goes wrong; add to it at any time.
        counts: What went over the wire.
        folder: Certificate and the workers' logs, removed at the end.
        url: "https://127.0.0.1:PORT".
    """

    def __init__(self, *, worker_command: Sequence[str] = ()) -> None:
        self.faults, self.counts = Faults(), Counts()
        self.folder = Path(tempfile.mkdtemp(prefix="runpod-standin-"))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}"
        self._certificate = make_certificate(self.folder)
        self._cloud = Cloud(
            self.url,
            str(self._certificate),
            ProcessGroups(self.folder),
            self.faults,
            self.counts,
        )
        self._account = Account(self._cloud, list(worker_command))
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="runpod-standin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def api_key(self) -> str:
        """What clients authorise with; a new one for every stand-in."""
        return self._cloud.api_key

    @property
    def worker_key(self) -> str:
        """What workers authorise with; no client's."""
        return self._cloud.worker_key

    @property
    def catalog(self) -> dict[str, Gpu]:
        """Kinds of GPU by id; prices may be changed."""
        return self._cloud.catalog

    @property
    def endpoints(self) -> list[Endpoint]:
        """The open endpoints, those made by the management APIs among them."""
        return self._on_loop(lambda: [each.endpoint for each in self._cloud.hosted.values()])

    @property
    def templates(self) -> list[Template]:
        """The templates that the management APIs made."""
        return self._on_loop(lambda: list(self._account.templates.values()))

    @property
    def pods(self) -> list[dict[str, Any]]:
        """The pods that the management APIs made, without workers."""
        return self._on_loop(lambda: self._account.all_pods(workers=False))

    def billed(self, endpoint: str) -> float:
        """Return what an endpoint has cost so far, USD, also one that was closed."""
        return self._on_loop(
            lambda: sum(
                self._cloud.cost(each)
                for each in self._cloud.everything()
                if each.endpoint.id == endpoint
            )
        )

    @property
    def jobs(self) -> list[Job]:
        """All jobs ever submitted, in order; records go on changing."""
        return self._on_loop(
            lambda: sorted(
                (job for hosted in self._cloud.everything() for job in hosted.queue.jobs.values()),
                key=lambda job: job.submitted,
            )
        )

    @property
    def workers(self) -> list[Worker]:
        """All workers there ever were."""
        return self._on_loop(
            lambda: [each for hosted in self._cloud.everything() for each in hosted.fleet.workers]
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of programs that shall use this instead of the cloud."""
        return {
            "RUNPOD_API_KEY": self.api_key,
            "RUNPOD_ENDPOINT_BASE_URL": f"{self.url}{JOBS_API}",
            "RUNPOD_API_BASE_URL": f"{self.url}{CORE_API}",
            "RUNPOD_API_V2_URL": f"{self.url}{CORE_API}/v2",
            "REQUESTS_CA_BUNDLE": str(self._certificate),
            "SSL_CERT_FILE": str(self._certificate),
        }

    def worker_environment(self, endpoint: str, worker: str) -> dict[str, str]:
        """Return the environment of a worker that the caller starts, under an id of its own."""
        return self._on_loop(
            lambda: dict(
                self._cloud.worker_environment(self._cloud.find(endpoint).endpoint, worker)
            )
        )

    def add_endpoint(self, endpoint: Endpoint) -> Endpoint:
        """Open an endpoint.

        Raises:
            ValueError: There is one with this id.
        """
        self._on_loop(lambda: self._cloud.host(endpoint))
        return endpoint

    def remove_endpoint(self, endpoint: str) -> None:
        """Close an endpoint and end its workers at once; clients are told 404."""
        self._on_loop(lambda: self._cloud.remove(endpoint))

    def job(self, job_id: str) -> Job:
        """Return a job's record, also of one that clients are told is gone."""
        return next(job for job in self.jobs if job.id == job_id)

    def kill_worker(self, job: Job | str) -> None:
        """Send SIGKILL to the processes of the worker that runs a job, as a lost machine would.

        Raises:
            ValueError: No worker runs it.
        """
        job_id = job if isinstance(job, str) else job.id
        self._on_loop(lambda: self._kill_worker_of(job_id))

    def log_of(self, worker: str) -> str:
        """Return what a worker has written to stdout and stderr."""
        return self._cloud.processes.log(worker).read_text("utf-8", errors="replace")

    def wait_for(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait until a condition holds; it is asked in the caller's thread.

        Raises:
            TimeoutError: It did not in time; the message ends with the ends of the workers' logs.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(
                    self.log_of(each.id)[-_LOG_END:] for each in self.workers if each.process
                )
                raise TimeoutError(f"not within {seconds:g} s; the workers said:\n{logs}")
            time.sleep(_TICK_SECONDS)

    def close(self) -> None:
        """End all workers and the server."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()
        self._cloud.processes.close()
        self._socket.close()

    def _kill_worker_of(self, job_id: str) -> None:
        for hosted in self._cloud.hosted.values():
            job = hosted.queue.jobs.get(job_id)
            worker = hosted.fleet.find(job.worker) if job is not None else None
            if worker is not None and worker.ended is None:
                hosted.fleet.kill(worker)
                return
        raise ValueError(f"no worker runs job {job_id}")

    def _on_loop(self, ask: Callable[[], _T]) -> _T:
        """Return what a function says in the server's thread, which alone touches its state."""
        if not self._thread.is_alive():
            return ask()

        async def asked() -> _T:
            return ask()

        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        clients = ClientRoutes(self._cloud)
        gate = Gate(self._cloud, clients.place_of_status)
        for routes in (
            clients,
            WorkerRoutes(self._cloud),
            RestV2(self._account),
            GraphQl(self._account),
        ):
            routes.add_to(app, gate)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(
            runner, self._socket, ssl_context=server_context(self._certificate)
        ).start()
        self._ready.set()
        while not self._ended.is_set():
            self._cloud.tick()
            await asyncio.sleep(_TICK_SECONDS)
        self._cloud.close()
        await _hang_up(runner)
        # Connections close in the loop's next rounds; their sockets would outlive it.
        await asyncio.sleep(_TICK_SECONDS)


async def _hang_up(runner: web.AppRunner) -> None:
    """End the server at once; TLS would wait for clients to say goodbye."""
    for connection in runner.server.connections if runner.server else []:
        if connection.transport is not None:
            connection.transport.abort()
    await runner.cleanup()
    await asyncio.sleep(_TICK_SECONDS)  # the loop closes the sockets a round later
