"""A file server with HTTP Range and the faults of real ones; it remembers what it was asked."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class RangeServer:
    """Serves `content` at paths that say how.

    /good with Range; /no-range without; /drops ends the connection after at most `at_once` bytes;
    /hangs does not go on after them until `release` is set; /wrong serves other bytes;
    /missing answers 404.

    Attributes:
        requests: Path and Range header ("" without) of each request, in order.
    """

    address: str
    content: bytes = b""
    at_once: int = 0
    delay: float = 0.0
    release: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


@pytest.fixture
def range_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.served = served = RangeServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield served
    served.release.set()
    http.shutdown()
    thread.join()
    http.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        served: RangeServer = self.server.served
        asked = self.headers.get("Range", "")
        served.requests.append((self.path, asked))
        time.sleep(served.delay)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        if self.path == "/no-range":
            start = 0
        content = bytes(len(served.content)) if self.path == "/wrong" else served.content
        if self.path == "/missing":
            self.send_error(404)
        elif start >= len(content):
            self.send_error(416)
        else:
            self.begin(start, len(content))
            self.send(content[start:], served)

    def begin(self, start: int, size: int) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()

    def send(self, body: bytes, served: RangeServer) -> None:
        if self.path not in ("/drops", "/hangs"):
            self.wfile.write(body)
            return
        self.wfile.write(body[: served.at_once])
        self.wfile.flush()
        if self.path == "/hangs":
            served.release.wait(30)

    def log_message(self, *args: object) -> None:
        pass
