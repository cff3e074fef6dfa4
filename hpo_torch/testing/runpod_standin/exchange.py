"""One request from its arrival to its answer: read, let go wrong, count."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hpo_torch.testing.runpod_standin.counts import Exchange
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hpo_torch.testing.runpod_standin.cloud import Cloud
    from hpo_torch.testing.runpod_standin.faults import Fault, Place
    from hpo_torch.testing.runpod_standin.fleet import Worker

_GARBAGE = "<html><body>Bad gateway</body></html>"


@dataclass(slots=True)
class Call:
    """A request as its handler sees it; handlers set `job` where they make one."""

    request: web.Request
    body: bytes
    place: Place
    endpoint: str = ""
    job: str = ""
    fault: Fault | None = None

    def json(self) -> dict[str, Any]:
        """Return the body's JSON object; an empty one for no body.

        Raises:
            Rejected: 400, it is no JSON object.
        """
        try:
            said = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Rejected(400, f"the body is not JSON: {error}") from None
        if not isinstance(said, dict):
            raise Rejected(400, "the body is not a JSON object")
        return said

    def gone(self) -> bool:
        """Say whether nobody waits for the answer any more."""
        transport = self.request.transport
        return transport is None or transport.is_closing()


@dataclass(slots=True, kw_only=True)
class Reply:
    """What a handler answers: a status and JSON, or nothing."""

    status: int = 200
    body: Any = None
    text: str = ""

    def data(self) -> bytes:
        """Return the body's bytes."""
        if self.text:
            return self.text.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


if TYPE_CHECKING:
    Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(slots=True)
class Gate:
    """Wraps handlers; what `Fault` declares happens here and nowhere else.

    "repeat" and "late" are the stream's own.

    Attributes:
        cloud: Whose faults and counts these are.
        place_of_status: Whether a /status is a "poll" or a "fetch", by endpoint and job.
    """

    cloud: Cloud
    place_of_status: Callable[[str, str], Place]

    def wrap(
        self,
        place: Place,
        handler: Handler,
        refusal: Callable[[Rejected], Any] = lambda error: {"error": str(error)},
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return an aiohttp handler; `refusal` is the body of an error's answer."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = await _read(request, place)
            if place == "poll":
                call.place = self.place_of_status(call.endpoint, call.job)
            call.fault = self.cloud.faults.meeting(call.place, call.endpoint, call.job)
            reply = await self._reply(call, _refusing(handler, refusal))
            self._count(call, reply)
            return _send(call, reply)

        return handle

    async def _reply(self, call: Call, handler: Handler) -> Reply | None:
        """Return the answer; None where the connection breaks instead."""
        kind = call.fault.kind if call.fault else None
        if call.fault is not None and kind == "answer":
            return Reply(status=call.fault.status, body={"error": "on purpose"})
        if kind == "drop_before":
            return None
        if kind == "kill_worker" and call.place == "done":
            self._kill_worker(call)
            return None
        reply = await handler(call)
        if call.fault is not None and kind == "hang":
            await asyncio.sleep(call.fault.seconds)
        if kind == "garble":
            return Reply(text=_GARBAGE)
        if kind == "kill_worker":
            self._kill_worker(call)
        return None if kind in {"kill_worker", "drop_after"} else reply

    def _kill_worker(self, call: Call) -> None:
        worker = self._worker(call)
        if worker is not None:
            self.cloud.find(call.endpoint).fleet.kill(worker)

    def _worker(self, call: Call) -> Worker | None:
        return self.cloud.find(call.endpoint).fleet.find(call.request.match_info["worker"])

    def _count(self, call: Call, reply: Reply | None) -> None:
        self.cloud.counts.add(
            Exchange(
                place=call.place,
                method=call.request.method,
                path=call.request.path,
                endpoint=call.endpoint,
                job=call.job,
                received=len(call.body),
                sent=len(reply.data()) if reply else 0,
                status=reply.status if reply else 0,
            )
        )


async def _read(request: web.Request, place: Place) -> Call:
    body, found = await request.read(), request.match_info
    return Call(request, body, place, found.get("endpoint", ""), found.get("job", ""))


def _refusing(handler: Handler, refusal: Callable[[Rejected], Any]) -> Handler:
    async def handle(call: Call) -> Reply:
        try:
            return await handler(call)
        except Rejected as error:
            return Reply(status=error.status, body=refusal(error))

    return handle


def _send(call: Call, reply: Reply | None) -> web.StreamResponse:
    if reply is None:
        if call.request.transport is not None:
            call.request.transport.abort()
        return web.Response()
    kind = "text/html" if reply.text else "application/json"
    return web.Response(status=reply.status, body=reply.data(), content_type=kind)
