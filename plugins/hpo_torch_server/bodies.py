"""The gate that reads a request's body: not more of it, and not for longer, than is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from hpo_torch_server.gates import Gate
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import Message, Receive


class BodyGate(Gate):
    """Reads whole bodies, before a route is looked for: nothing waits for a slow sender.

    Starlette's own limit of size counts as the route reads; it has none of time.
    """

    async def admit(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Raises Problem: 413 also without Content-Length, 408."""
        if connection.scope["type"] != "http":
            return receive
        length = connection.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.settings.max_body:
            raise self._too_large()
        with anyio.move_on_after(self.settings.body_seconds) as timer:
            message = await self._read(receive)
        if timer.cancelled_caught:
            detail = f"expected the whole body within {self.settings.body_seconds:g} s"
            raise Problem(408, "", detail, "slow-body", headers={"Connection": "close"})
        return _replay(message, receive)

    async def _read(self, receive: Receive) -> Message:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message  # the client has gone
            body += message.get("body", b"")
            if len(body) > self.settings.max_body:
                raise self._too_large()
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}

    def _too_large(self) -> Problem:
        detail = f"expected a body of at most {self.settings.max_body} bytes"
        return Problem(413, "", detail, "too-large", headers={"Connection": "close"})


def _replay(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
