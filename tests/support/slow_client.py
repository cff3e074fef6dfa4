"""A client of the event stream that does not read on, and what it was told."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager

LONG = 90.0  # seconds; a client that waits for so long has failed


def split_at_resync(told):
    """The raw lines of a stream that ends with a resync, and the number in it."""
    first, resync = told.rsplit(b"event: resync\n", 1)
    after = json.loads(resync.partition(b"data: ")[2].partition(b"\n")[0])["after"]
    return [line[6:] for line in first.split(b"\n") if line.startswith(b'data: {"seq"')], after


@contextmanager
def slow_client(served):
    """A socket that has asked for the events, has seen the first, and reads no more."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(LONG)
        client.connect((host, int(port)))
        request = f"GET /api/v1/jobs/run/events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        client.sendall(request.encode() + b"\r\n")
        begin = b""
        while b'"running"' not in begin:
            begin += client.recv(100)
        yield client


def read_all(client):
    """What is left of a chunked answer, without the chunks' sizes."""
    parts = []
    while part := client.recv(1 << 16):
        parts.append(part)
    body = b"".join(parts).lstrip(b"\r\n}")
    chunks = []
    while body:
        size, _, body = body.partition(b"\r\n")
        chunks.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(chunks)
