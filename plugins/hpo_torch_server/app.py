"""The application: what stands before the routes, the routes, and how it starts and stops."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from hpo_torch_server.audit import AuditLog
from hpo_torch_server.bodies import BodyGate
from hpo_torch_server.context import Server
from hpo_torch_server.database import open_database
from hpo_torch_server.headers import SecurityHeaders
from hpo_torch_server.hub import EventHub
from hpo_torch_server.job_store import JobStore
from hpo_torch_server.keys import KeyStore
from hpo_torch_server.openapi import DESCRIPTION, TITLE, VERSION, document
from hpo_torch_server.origins import HostGate, OriginGate
from hpo_torch_server.problems import EVERYWHERE, install_handlers
from hpo_torch_server.rates import RateGate
from hpo_torch_server.readiness import ReadinessReader
from hpo_torch_server.routes import catalogue, events, files, jobs, searches, trials
from hpo_torch_server.run_reader import RunReader
from hpo_torch_server.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hpo_torch_server.settings import ServerSettings

ROUTERS: Final = (
    catalogue.router,
    searches.router,
    jobs.router,
    trials.router,
    events.router,
    files.router,
)
PREFIX: Final = "/api/v1"
_ALLOWED_HEADERS: Final = (
    "Authorization",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-API-Key",
)
_EXPOSED_HEADERS: Final = (
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Location",
    "Repr-Digest",
    "Retry-After",
)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_app(
    settings: ServerSettings, *, clock: Callable[[], datetime] = utc_now, **supervision: Any
) -> FastAPI:
    """Make the application of a server; `app.state.server` has its parts.

    Its lifespan starts and stops the supervisor; the processes of jobs go on without it.

    Args:
        settings: What the server was started with.
        clock: Returns the time, UTC.
        supervision: More arguments of `Supervisor`.

    Raises:
        UsageError, StorageError: As for `open_database`.
    """
    server = _assemble(settings, clock, supervision)
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # its scripts would come from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.server = server
    app.state.readiness = ReadinessReader(clock)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, responses=EVERYWHERE)
    app.add_api_route("/healthz", _alive, include_in_schema=False)
    install_handlers(app)
    _add_gates(app, server)
    return app


def _assemble(
    settings: ServerSettings, clock: Callable[[], datetime], supervision: dict[str, Any]
) -> Server:
    database = open_database(settings.database_url)
    store = JobStore(database, settings.output_dir, clock)

    def state_of(job: str) -> str | None:
        row = store.get(job)
        return None if row is None else row.state

    return Server(
        settings=settings,
        clock=clock,
        database=database,
        jobs=store,
        keys=KeyStore(database, clock),
        audit=AuditLog(database, clock),
        supervisor=Supervisor(
            store, database, state_dir=settings.state_dir, places=settings.jobs, **supervision
        ),
        runs=RunReader(settings.output_dir),
        hub=EventHub(settings.output_dir, state_of),
    )


def _add_gates(app: FastAPI, server: Server) -> None:
    """Put gates before the routes; the last that is added is the first that a request meets."""
    judge: dict[str, Any] = {"settings": server.settings, "audit": server.audit}
    app.add_middleware(BodyGate, **judge)
    app.add_middleware(OriginGate, **judge)
    if server.settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=server.settings.cors,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=_ALLOWED_HEADERS,
            expose_headers=_EXPOSED_HEADERS,
        )
    app.add_middleware(RateGate, **judge)
    app.add_middleware(HostGate, **judge)
    app.add_middleware(SecurityHeaders)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    server: Server = app.state.server
    await run_in_threadpool(server.supervisor.start)
    server.audit.write(None, "start server", str(server.settings.output_dir), "done", "")
    try:
        yield
    finally:
        server.hub.close()
        server.supervisor.stop()  # not in another thread: what is cancelled could not wait for it
        server.audit.write(None, "stop server", str(server.settings.output_dir), "done", "")
        server.database.dispose()


async def _alive() -> JSONResponse:
    """Say that the server is there, to whoever restarts it where it is not; needs no key."""
    return JSONResponse({"status": "ok"})
