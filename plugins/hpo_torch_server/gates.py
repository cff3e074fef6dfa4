"""What every request must pass before a route sees it: the common part of all gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from hpo_torch_server.identity import address_of, wanted_of
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from hpo_torch_server.audit import AuditLog
    from hpo_torch_server.settings import ServerSettings


class Gate:
    """ASGI middleware that lets a request through, or answers it and tells the audit log.

    Args:
        app: What comes after.
        settings: The server's.
        audit: Told of each refusal.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, audit: AuditLog) -> None:
        self.app, self.settings, self.audit = app, settings, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge HTTP requests and WebSockets' handshakes; anything else goes through."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        connection: HTTPConnection = HTTPConnection(scope)
        try:
            receive = await self.admit(connection, receive)
        except Problem as problem:
            await run_in_threadpool(
                self.audit.write,
                None,
                "request",
                wanted_of(connection),
                f"refused: {problem.type}",
                address_of(connection),
            )
            await problem.response()(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def admit(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Return what the application reads the body from.

        Raises:
            Problem: The request is refused.
        """
        raise NotImplementedError
