from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from event_writer import alert, begun, raw_lines, write
from httpx_sse import connect_sse
from slow_client import LONG, read_all, slow_client, split_at_resync
from streaming_server import serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from hpo_torch.results.event_log import EventLog
from hpo_torch_server import growing_log
from hpo_torch_server.routes import events as route
from hpo_torch_server.states import JobState


@pytest.fixture
def served(tmp_path):
    with serving(tmp_path) as served:
        yield served


@contextmanager
def sse(served, job="run", query="", headers=None):
    """The events of a stream as they come."""
    with (
        httpx.Client(timeout=LONG, headers=headers) as client,
        connect_sse(client, "GET", served.events_url(job, query)) as source,
    ):
        yield source.iter_sse()


def websocket(served, job="run", query="", **options):
    url = served.events_url(job, query, scheme="ws")
    return connect(url, open_timeout=LONG, close_timeout=LONG, **options)


def seen(messages):
    """Ids and kinds."""
    return [(message.id, message.event) for message in messages]


def wait_until(happened):
    deadline = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_ended_job_is_told_from_its_first_event_to_its_end(served):
    path = served.job(state=JobState.COMPLETED)
    write(path, [begun(), alert(0), alert(1, "é\n")])
    answer = httpx.get(served.events_url(), timeout=LONG)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    with sse(served) as source:
        messages = list(source)
    assert seen(messages) == [
        ("1", "study_started"),
        ("2", "health_alert"),
        ("3", "health_alert"),
        ("3", "state"),
        ("3", "end"),
    ]
    assert [message.data.encode() for message in messages[:3]] == raw_lines(path)
    assert json.loads(messages[4].data) == {"state": "completed"}


def test_websocket_tells_the_same(served):
    path = served.job(state=JobState.STOPPED)
    write(path, [begun(), alert(0)])
    with websocket(served) as client:
        messages = [json.loads(client.recv(LONG)) for _ in range(4)]
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(LONG)
    assert closed.value.rcvd.code == 1000
    stored = [json.loads(line) for line in raw_lines(path)]
    assert messages == [
        {"type": "event", "seq": 1, "event": stored[0]},
        {"type": "event", "seq": 2, "event": stored[1]},
        {"type": "state", "state": "stopped"},
        {"type": "end", "state": "stopped"},
    ]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?after=2", {}),
        ("", {"Last-Event-ID": "2"}),
        ("?after=1", {"Last-Event-ID": "2"}),  # a browser comes again by itself
    ],
)
def test_a_stream_begins_after_the_last_event_that_is_known(served, query, headers):
    write(served.job(state=JobState.COMPLETED), [begun(), alert(0), alert(1)])
    with sse(served, query=query, headers=headers) as source:
        assert [message.id for message in source if message.event == "health_alert"] == ["3"]
    with websocket(served, query="?after=2") as client:
        assert json.loads(client.recv(LONG))["seq"] == 3


def test_what_happens_is_told_as_it_happens(served):
    path = served.job()
    with sse(served) as source, websocket(served) as client:

        def heard():
            event, message = next(source), json.loads(client.recv(LONG))
            return event.event, json.loads(event.data), message

        assert heard() == (
            "state",
            {"state": "running"},
            {"type": "state", "state": "running"},
        )
        write(path, [begun()])
        kind, data, message = heard()
        assert kind == "study_started"
        assert data == message["event"] == json.loads(raw_lines(path)[0])
        for state in ("pausing", "paused"):
            served.move(JobState(state))
            assert heard() == ("state", {"state": state}, {"type": "state", "state": state})


def test_a_quiet_job_is_a_heartbeat(served, monkeypatch):
    monkeypatch.setattr(route, "HEARTBEAT_SECONDS", 0.02)
    served.job()
    with httpx.stream("GET", served.events_url(), timeout=LONG) as answer:
        lines = answer.iter_lines()
        while next(lines) != ": heartbeat":
            pass
    with websocket(served) as client:
        client.recv(LONG)
        assert json.loads(client.recv(LONG)) == {"type": "heartbeat"}


def refused(served, **options):
    """The problem that a WebSocket's handshake is answered with."""
    with pytest.raises(InvalidStatus) as answer, websocket(served, **options):
        pass
    document = json.loads(answer.value.response.body)
    assert document["status"] == answer.value.response.status_code
    return document


def test_an_unknown_job_is_a_problem_at_both_doors(served):
    answer = httpx.get(served.events_url("nothing"), timeout=LONG)
    assert answer.status_code == 404
    assert answer.json()["type"] == "no-job"
    assert refused(served, job="nothing") == answer.json()


def test_keys_and_owners_count_at_both_doors(served):
    served.job(owner="ann")
    keys = served.server.keys
    (_, ann), (_, bob) = keys.add("ann", ["read"]), keys.add("bob", ["read"])

    def bearer(key):
        return {"Authorization": f"Bearer {key}"}

    statuses = []
    for headers in ({}, bearer("hpt_wrong"), bearer(bob)):
        answer = httpx.get(served.events_url(), headers=headers, timeout=LONG)
        statuses.append(answer.status_code)
        problem = refused(served, additional_headers=headers)
        assert (problem["status"], problem["type"]) == (answer.status_code, answer.json()["type"])
    assert statuses == [401, 401, 404]
    with websocket(served, additional_headers=bearer(ann)) as client:
        assert json.loads(client.recv(LONG)) == {"type": "state", "state": "running"}


def test_a_key_that_is_revoked_hears_no_more(served, monkeypatch):
    monkeypatch.setattr(route, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(route, "HEARTBEAT_SECONDS", 0.02)
    path = served.job(owner="ann")
    key, text = served.server.keys.add("ann", ["read"])
    headers = {"X-API-Key": text}
    with (
        sse(served, headers=headers) as source,
        websocket(served, additional_headers=headers) as client,
    ):
        next(source)
        time.sleep(0.2)  # a key that is good goes on being so
        write(path, [begun()])
        assert next(source).event == "study_started"
        served.server.keys.revoke(key.id)
        assert [event for event in source if event.data] == []  # heartbeats have none
        with pytest.raises(ConnectionClosed) as closed:
            list(iter(lambda: client.recv(LONG), None))
    assert closed.value.rcvd.code == 1008
    refusals = [entry.outcome for entry in served.server.audit.entries()]
    assert refusals == ["refused: revoked key"] * 2


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", f"?after={2**53}"])
def test_a_number_that_is_none_is_refused(served, query):
    served.job()
    answer = httpx.get(served.events_url(query=query), timeout=LONG)
    assert answer.status_code == 422
    assert refused(served, query=query) == answer.json()


def test_one_owner_has_so_many_streams_and_no_more(tmp_path):
    with serving(tmp_path, per_owner=2) as served:
        served.job()
        with sse(served) as source, websocket(served) as client:
            next(source)
            client.recv(LONG)
            assert httpx.get(served.events_url(), timeout=LONG).status_code == 429
            assert refused(served)["type"] == "watchers"
        wait_until(lambda: served.server.hub.watchers == 0)
        with websocket(served) as client:
            client.recv(LONG)


def test_a_client_that_vanishes_leaves_nothing_behind(served):
    served.job()
    with sse(served) as source, websocket(served) as client:
        next(source)
        client.recv(LONG)
        assert served.server.hub.watchers == 2
        client.socket.shutdown(socket.SHUT_RDWR)  # without a closing handshake
    wait_until(lambda: served.server.hub.watchers == 0)


def test_what_a_client_says_is_not_heeded(served):
    path = served.job()
    with websocket(served) as client:
        for _ in range(50):
            client.send("x" * 1000)
        client.recv(LONG)
        write(path, [begun()])
        assert json.loads(client.recv(LONG))["seq"] == 1


def test_a_server_that_stops_ends_its_streams(served):
    served.job()
    with sse(served) as source, websocket(served) as client:
        next(source)
        client.recv(LONG)
        served.stop()
        assert list(source) == []  # the answer is whole: no error
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(LONG)
        assert closed.value.rcvd.code == 1012


def test_a_slow_client_is_told_to_come_again_and_holds_nobody_up(served, monkeypatch):
    monkeypatch.setattr(growing_log, "RECENT_EVENTS", 50)
    path = served.job()
    count, message = 1500, "m" * 10_000  # 15 MB: more than buffers on the way take up
    heard = []

    def listen():
        with sse(served) as source:
            heard.extend(event.id for event in source if event.event == "health_alert")

    with slow_client(served) as slow:
        quick = threading.Thread(target=listen)
        quick.start()
        wait_until(lambda: served.server.hub.watchers == 2)
        with EventLog(path) as log:
            for number in range(1, count + 1):
                log.append(alert(number, message))
                if number % 25 == 0:
                    wait_until(lambda known=number: len(heard) == known)
        served.move(JobState.COMPLETED)
        quick.join(LONG)
        assert heard == [str(number) for number in range(1, count + 1)]
        lines, after = split_at_resync(read_all(slow))
    assert 0 < len(lines) == after < count
    with sse(served, query=f"?after={after}") as source:
        lines += [event.data.encode() for event in source if event.event == "health_alert"]
    assert lines == raw_lines(path)
