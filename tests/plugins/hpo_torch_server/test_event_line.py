from __future__ import annotations

import json

from event_writer import alert

from hpo_torch_server.event_line import EventLine

LINE = EventLine(
    7, b'{"seq":7,"time":"t","trial":0,"attempt":"0-1","kind":"health_alert","x":"\xc3\xa9"}'
)


def test_kind_is_the_events_own():
    assert LINE.kind == "health_alert"
    stored = alert(3, '"kind":"fake"').model_copy(update={"seq": 1}).model_dump_json()
    assert EventLine(1, stored.encode()).kind == "health_alert"


def test_server_sent_event_has_number_kind_and_the_line_as_it_is():
    text = LINE.server_sent.decode()
    assert text.endswith("\n\n")
    assert set(text.strip().splitlines()) == {
        "id: 7",
        "event: health_alert",
        "data: " + LINE.raw.decode(),
    }


def test_websocket_message_holds_the_event():
    assert json.loads(LINE.websocket) == {"type": "event", "seq": 7, "event": json.loads(LINE.raw)}


def test_a_line_that_is_no_event_is_passed_on_too():
    damaged = EventLine(2, b"\xff oops")
    assert damaged.kind == ""
    assert b"event:" not in damaged.server_sent
    assert b"id: 2" in damaged.server_sent
