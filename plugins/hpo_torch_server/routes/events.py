"""A job's events as they happen: one log, two doors, both open at any number."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio
from fastapi import APIRouter, Header, Query, Request, WebSocket, WebSocketDisconnect
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.status import WS_1008_POLICY_VIOLATION

from hpo_torch.plugin_runs import StorageError
from hpo_torch_server.context import TheServer
from hpo_torch_server.event_frames import close_code, sse_frame, websocket_frames
from hpo_torch_server.identity import OwnJob, Reader, identify
from hpo_torch_server.problems import Problem, errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

    from hpo_torch_server.watcher import Message, Watcher

HEARTBEAT_SECONDS: Final = 15.0
RECHECK_SECONDS: Final = 60.0
"""So long a key that was revoked, or has expired, goes on hearing events."""
EVENT_STREAM: Final = "text/event-stream"
LARGEST: Final = 2**53 - 1
"""The largest number that every JSON reader reads exactly."""

router = APIRouter(tags=["events"])

_EXAMPLE: Final = """event: state
data: {"state": "running"}

event: trial_started
data: {"seq":2,"time":"2026-11-28T10:20:07.123+00:00","trial":0,"attempt":"0-1", ...}
id: 2

: heartbeat

event: end
data: {"state": "completed"}

"""

_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "description": "One event; the stream is a sequence of them.",
    "properties": {
        "id": {"type": "string", "description": "its number; some have none"},
        "event": {"type": "string", "description": "its kind"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The events, until the job ends.",
        "content": {EVENT_STREAM: {"schema": _EVENT, "example": _EXAMPLE}},
    }
}

After = Annotated[
    int,
    Query(ge=0, le=LARGEST, description="Number of the last event that you have; 0 is none."),
]
LastEventId = Annotated[
    # In a header, null would be a text.
    Annotated[str, Field(pattern=r"^[0-9]{1,15}$")] | SkipJsonSchema[None],
    Header(
        alias="Last-Event-ID",
        description="The same; browsers send it when they come again, and it goes before `after`.",
    ),
]


class EventStream(StreamingResponse):
    """Sends what a watcher is told as server-sent events; closes the watcher however that ends.

    Args:
        watcher: Fresh from the hub.
        request: Whose key must go on being good.
    """

    media_type = EVENT_STREAM

    def __init__(self, watcher: Watcher, request: Request) -> None:
        # Neither caches nor proxies may hold events back.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_server_sent(watcher, request), headers=headers)
        self._watcher = watcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the watcher was told its last message, or the client has gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watcher.close()


@router.get(
    "/jobs/{job_id}/events",
    summary="Watch a job",
    status_code=200,
    response_class=EventStream,
    responses=_STREAM | errors(404, 503),
)
async def job_events(
    request: Request,
    job: OwnJob,
    caller: Reader,
    server: TheServer,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Send the job's events, those of the past first, as server-sent events until the job ends.

    Each event is a line of the run's events.jsonl: `id` is its number, from 1 without gaps, `event`
    its kind, `data` the line. Whoever comes again with the last number misses none and gets none
    twice; browsers do so by themselves.

    Four things have no number: `state` (the job's, at first and when it changes), `end` (the job
    has ended and all was sent; close), `resync` (come again with the number in `after`: the client
    was too slow, or, where it is 0, the job's log is another one by now), and a comment every 15
    seconds. The stream closes after `end` and `resync`, and when the server stops.

    The same path is a WebSocket as well. Its messages are JSON: `{"type": "event", "seq": 7,
    "event": {...}}`, `{"type": "state", "state": "running"}`, `{"type": "heartbeat"}`,
    `{"type": "resync", "after": 7}` and `{"type": "end", "state": "completed"}`.
    """
    seen = after if last_event_id is None else int(last_event_id)
    return EventStream(server.hub.watch(job.id, caller.owner, seen), request)


@router.websocket("/jobs/{job_id}/events")
async def watch_job(
    websocket: WebSocket, job: OwnJob, caller: Reader, server: TheServer, after: After = 0
) -> None:
    """Send the job's events as JSON messages; what the client says is not heeded."""
    watcher = server.hub.watch(job.id, caller.owner, after)
    try:
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.accept()
            await _talk(websocket, watcher)
    finally:
        watcher.close()


async def _messages(watcher: Watcher, asker: HTTPConnection) -> AsyncIterator[Message | None]:
    """Yield what the watcher is told, and heartbeats, as long as the asker's key is good."""
    checked = time.monotonic()
    while True:
        if time.monotonic() - checked > RECHECK_SECONDS:
            try:
                with contextlib.suppress(StorageError):  # keys are away; it is asked again later
                    await run_in_threadpool(identify, asker)
            except Problem:
                return
            checked = time.monotonic()
        message = await watcher.next(HEARTBEAT_SECONDS)
        yield message
        if close_code(message) is not None:
            return


async def _server_sent(watcher: Watcher, request: Request) -> AsyncIterator[bytes]:
    async for message in _messages(watcher, request):
        if frame := sse_frame(message):
            yield frame


async def _talk(websocket: WebSocket, watcher: Watcher) -> None:
    """Tell the client everything, unless it goes before."""
    async with anyio.create_task_group() as both:

        async def listen() -> None:
            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass
            both.cancel_scope.cancel()

        both.start_soon(listen)
        with contextlib.suppress(WebSocketDisconnect):
            await _tell(websocket, watcher)
        both.cancel_scope.cancel()


async def _tell(websocket: WebSocket, watcher: Watcher) -> None:
    code = None
    async for message in _messages(watcher, websocket):
        for frame in websocket_frames(message):
            await websocket.send_text(frame)
        code = close_code(message)
    await websocket.close(WS_1008_POLICY_VIOLATION if code is None else code)
