from __future__ import annotations

import json

import pytest

from hpo_torch_server.event_frames import close_code, sse_frame, websocket_frames
from hpo_torch_server.event_line import EventLine
from hpo_torch_server.watcher import Closed, End, Events, Resync, StateIs

LINES = [EventLine(1, b'{"seq":1}'), EventLine(2, b'{"seq":2}')]


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        (StateIs("running"), 'event: state\ndata: {"state": "running"}\n\n'),
        (End("completed"), 'event: end\ndata: {"state": "completed"}\n\n'),
        (Resync(7), 'event: resync\ndata: {"after": 7}\n\n'),
        (Resync(0), 'event: resync\ndata: {"after": 0}\nid: 0\n\n'),
        (Closed(), ""),
        (None, ": heartbeat\n\n"),
    ],
)
def test_what_is_no_event_has_no_number_but_a_restart_from_zero(message, frame):
    assert sse_frame(message).decode() == frame


def test_events_of_one_batch_follow_each_other():
    assert sse_frame(Events(LINES)) == LINES[0].server_sent + LINES[1].server_sent
    assert websocket_frames(Events(LINES)) == [line.websocket for line in LINES]


@pytest.mark.parametrize(
    ("message", "frames"),
    [
        (StateIs("running"), [{"type": "state", "state": "running"}]),
        (End("failed"), [{"type": "end", "state": "failed"}]),
        (Resync(7), [{"type": "resync", "after": 7}]),
        (Closed(), []),
        (None, [{"type": "heartbeat"}]),
    ],
)
def test_websocket_messages_say_their_type(message, frames):
    assert [json.loads(frame) for frame in websocket_frames(message)] == frames


def test_only_the_last_message_closes():
    last = [End("stopped"), Closed(), Resync(3)]
    assert [close_code(message) for message in last] == [1000, 1012, 1013]
    others = [Events(LINES), StateIs("running"), None]
    assert [close_code(message) for message in others] == [None, None, None]
