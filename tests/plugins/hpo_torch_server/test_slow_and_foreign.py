"""What only a real socket shows: slow senders, and WebSockets of foreign pages."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest
from api_app import served_api
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


@pytest.fixture
def served(tmp_path):
    with served_api(tmp_path / "runs", body_seconds=0.3, max_body=1000) as served:
        yield served


def send(url, head, *pieces, pause=0.0):
    """Send a request piece by piece; return all that comes back until the server closes."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as peer:
        peer.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        for piece in pieces:
            try:
                peer.sendall(piece)
            except OSError:  # it has closed, as it should
                break
            time.sleep(pause)
        answer = b""
        while part := peer.recv(65536):
            answer += part
        return answer.decode()


HEAD = "POST /api/v1/optimize HTTP/1.1\nHost: 127.0.0.1\nContent-Type: application/json"


def test_a_body_that_never_ends_is_not_waited_for(served):
    api, url = served
    answer = send(url, f"{HEAD}\nContent-Length: 500", b"{")
    assert answer.startswith("HTTP/1.1 408")
    assert "application/problem+json" in answer
    assert ("", "request", "POST /api/v1/optimize", "refused: slow-body") in api.audited()


def test_a_body_in_drops_is_not_waited_for_either(served):
    """Each drop comes in time, but not the whole."""
    _, url = served
    answer = send(url, f"{HEAD}\nContent-Length: 500", *[b" "] * 20, pause=0.05)
    assert answer.startswith("HTTP/1.1 408")


def test_a_body_of_unknown_length_is_counted_as_it_comes(served):
    api, url = served
    chunk = b"1f4\r\n" + b" " * 500 + b"\r\n"
    answer = send(url, f"{HEAD}\nTransfer-Encoding: chunked", chunk, chunk, chunk)
    assert answer.startswith("HTTP/1.1 413")
    assert ("", "request", "POST /api/v1/optimize", "refused: too-large") in api.audited()


def test_a_body_that_says_it_is_too_large_is_not_read(served):
    _, url = served
    answer = send(url, f"{HEAD}\nContent-Length: 1000000000")
    assert answer.startswith("HTTP/1.1 413")


def websocket_status(url, **headers):
    """Open a WebSocket on a job's events; return the status that it was refused with, or 101."""
    address = f"ws{url.removeprefix('http')}/api/v1/jobs/job/events"
    try:
        with connect(address, additional_headers=headers, open_timeout=20):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_websocket_of_a_foreign_page_is_refused(served):
    api, url = served
    api.job()
    assert websocket_status(url) == 101
    assert websocket_status(url, Origin=url) == 101
    assert websocket_status(url, Origin="https://evil.example") == 403
    refused = ("", "request", "WEBSOCKET /api/v1/jobs/job/events", "refused: foreign-origin")
    assert refused in api.audited()


def test_a_websocket_needs_a_key_as_everything_does(served):
    api, url = served
    api.job("bob")
    headers = api.key("ann", "read")
    assert websocket_status(url) == 401
    assert websocket_status(url, Authorization="Bearer hpt_wrong") == 401
    assert websocket_status(url, **headers) == 404
    assert websocket_status(url, **api.key("bob", "none")) == 403
    assert websocket_status(url, **api.key("bob", "read")) == 101
    path = "WEBSOCKET /api/v1/jobs/job/events"
    assert ("", "authenticate", path, "refused: no key") in api.audited()
    assert ("ann", "open job", path, "refused: another owner's") in api.audited()
