"""A watcher's messages on the two doors: as server-sent events, and on a WebSocket."""

from __future__ import annotations

import json
from typing import Final

from fastapi.sse import format_sse_event

from hpo_torch_server.watcher import Closed, End, Events, Message, Resync, StateIs

_SSE_HEARTBEAT: Final = format_sse_event(comment="heartbeat")
_HEARTBEAT: Final = '{"type":"heartbeat"}'


def sse_frame(message: Message | None) -> bytes:
    """Return a message as text/event-stream; None is a heartbeat, and b"" says nothing.

    Of what is no event of the log, only a resync to 0 has an id: a browser sends the last one that
    it heard when it comes again by itself.
    """
    match message:
        case Events(lines):
            return b"".join(line.server_sent for line in lines)
        case StateIs(state):
            return format_sse_event(event="state", data_str=json.dumps({"state": state}))
        case Resync(after):
            new = "0" if after == 0 else None
            return format_sse_event(event="resync", data_str=json.dumps({"after": after}), id=new)
        case End(state):
            return format_sse_event(event="end", data_str=json.dumps({"state": state}))
        case Closed():
            return b""
        case None:
            return _SSE_HEARTBEAT


def websocket_frames(message: Message | None) -> list[str]:
    """Return a message as WebSocket messages; None is a heartbeat."""
    match message:
        case Events(lines):
            return [line.websocket for line in lines]
        case StateIs(state):
            return [json.dumps({"type": "state", "state": state})]
        case Resync(after):
            return [json.dumps({"type": "resync", "after": after})]
        case End(state):
            return [json.dumps({"type": "end", "state": state})]
        case Closed():
            return []
        case None:
            return [_HEARTBEAT]


def close_code(message: Message | None) -> int | None:
    """Return the code that a WebSocket is closed with behind a message; None: it stays open.

    1000: all was told. 1012: the server stops. 1013: come again.
    """
    match message:
        case End():
            return 1000
        case Closed():
            return 1012
        case Resync():
            return 1013
        case _:
            return None
