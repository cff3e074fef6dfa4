"""What a server consists of, and how a route reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from hpo_torch_server.audit import AuditLog
    from hpo_torch_server.hub import EventHub
    from hpo_torch_server.job_store import JobStore
    from hpo_torch_server.keys import KeyStore
    from hpo_torch_server.run_reader import RunReader
    from hpo_torch_server.settings import ServerSettings
    from hpo_torch_server.supervisor import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server's parts.

    Attributes:
        settings: What it was started with.
        clock: Returns the time, UTC.
        database: Where jobs, keys and the audit log are.
        jobs: Every job and its state.
        keys: Who may call.
        audit: Who did what.
        supervisor: Starts, watches and ends the jobs' processes.
        runs: What is in the runs' folders.
        hub: Hands new events to who watches.
    """

    settings: ServerSettings
    clock: Callable[[], datetime]
    database: Engine
    jobs: JobStore
    keys: KeyStore
    audit: AuditLog
    supervisor: Supervisor
    runs: RunReader
    hub: EventHub


def server_of(connection: HTTPConnection) -> Server:
    """Return the server that a request or a WebSocket has reached."""
    return cast("Server", connection.app.state.server)


async def _server(connection: HTTPConnection) -> Server:
    return server_of(connection)  # not in a thread, where FastAPI calls plain functions


TheServer = Annotated[Server, Depends(_server)]
"""A route's parameter: `async def health(server: TheServer)`."""
