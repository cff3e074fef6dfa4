"""A server with as much of the REST API as a client's way with bad connections needs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

API = "/api/v1"
JOB = "the-run"
MODIFIED = "2026-11-28T10:22:01.533Z"


class StandIn:
    """What the server has, and which faults it is to show; change them at any time.

    Attributes:
        files: Contents by path.
        modified: Times by path; MODIFIED without one.
        changing: Paths whose checksum is not told; None for all.
        status: The job's, and `error` why it failed.
        events: Lines of events.jsonl, told by `/events` until all were told; then `end` follows.
        requests: (method, path below API, headers), in the order in which they came.
        jobs_made: Idempotency keys of jobs that were made.
        cuts: By path, bytes after which the connection is cut, one for each request; then none.
        holds: By path, (bytes, reached, go on): after so many bytes the next request's answer waits
            for `go on`, having set `reached`.
        damaged: Contents that are sent instead, by path.
        answers: By path, (status, headers, problem) answered instead, one for each request.
        lost: Paths whose next requests are done, and then not answered; how often.
        on_request: Called with (method, path) before each request is dealt with.
        no_ranges: Whether it sends all where a part was asked for.
        wanted: The body of the last POST /optimize.
    """

    def __init__(self):
        self.files, self.modified, self.changing = {}, {}, set()
        self.status, self.error, self.events = "completed", None, []
        self.requests, self.jobs_made = [], []
        self.cuts, self.damaged, self.answers, self.lost = {}, {}, {}, Counter()
        self.on_request = lambda method, path: None
        self.holds, self.no_ranges, self.wanted = {}, False, None

    def listing(self):
        return [
            {
                "path": path,
                "size": len(content),
                "modified": self.modified.get(path, MODIFIED),
                "sha256": None if self._changes(path) else hashlib.sha256(content).hexdigest(),
            }
            for path, content in sorted(self.files.items())
        ]

    def _changes(self, path):
        return self.changing is None or path in self.changing

    def job(self):
        return {
            "job_id": JOB, "status": self.status, "owner": "local", "dataset": "digits",
            "mode": "simple", "trials": 3, "created_at": MODIFIED, "best_score": 0.5,
            "position": None, "error": self.error,
        }  # fmt: skip

    def asked(self, method, path):
        """The headers of each request for a path."""
        return [headers for m, p, headers in self.requests if (m, p) == (method, path)]


@contextmanager
def standin_api():
    """Yield a stand-in and its URL."""
    standin = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"it": standin}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield standin, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    it: StandIn

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._deal()

    def do_POST(self):
        self._deal()

    def do_DELETE(self):
        self._deal()

    def _deal(self):
        parts = urlsplit(self.path)
        path = unquote(parts.path.removeprefix(API))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.it.requests.append((self.command, path, dict(self.headers)))
        self.it.on_request(self.command, path)
        if self.it.answers.get(path):
            status, headers, problem = self.it.answers[path].pop(0)
            kind = headers.get("Content-Type", "application/problem+json")
            self._send(status, problem, headers, kind)
            return
        answer = self._answer(path, parse_qs(parts.query), body)
        if self.it.lost[path] > 0:
            self.it.lost[path] -= 1
            self.close_connection = True
        elif answer is not None:
            self._send(200, answer)

    def _answer(self, path, query, body):
        """The JSON of an answer; None where it was sent."""
        job = f"/jobs/{JOB}"
        if path.startswith(f"{job}/files/"):
            return self._file(path, path.removeprefix(f"{job}/files/"))
        plain = {
            "/optimize": lambda: self._optimize(body),
            "/jobs": lambda: {"items": [self.it.job()], "next": None, "total": 1},
            "/jobs/stop": lambda: {"stopped_jobs": [JOB], "total_stopped": 1, "failed_stops": []},
            f"{job}/files": lambda: self._files(int(query.get("cursor", ["0"])[0])),
            f"{job}/events": lambda: self._events(path),
        }
        known = [job, *(f"{job}/{order}" for order in ("stop", "pause", "resume"))]
        make = plain.get(path) or (self.it.job if path in known else None)
        if make is None:
            self._send(404, {"detail": f"there is no {path}"}, {}, "application/problem+json")
            return None
        return make()

    def _optimize(self, body):
        key = self.headers["Idempotency-Key"]
        if key not in self.it.jobs_made:
            self.it.jobs_made.append(key)
        self.it.wanted = json.loads(body)
        return self.it.job()

    def _files(self, start):
        more = start + 2 < len(self.it.files)
        return {
            "items": self.it.listing()[start : start + 2],
            "next": str(start + 2) if more else None,
        }

    def _file(self, asked, name):
        content = self.it.damaged.get(name, self.it.files.get(name))
        if content is None:
            self._send(404, {"detail": "no file"}, {}, "application/problem+json")
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end, status = 0, len(content), 200
        if found and self.headers.get("If-Range", tag) == tag and not self.it.no_ranges:
            start, status = int(found[1]), 206
            end = min(end, int(found[2]) + 1) if found[2] else end
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(end - start))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.end_headers()
        self._write(asked, content[start:end])

    def _events(self, asked):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        after = int(self.headers.get("Last-Event-ID", 0))
        told = ['retry: 2000\n\nevent: state\ndata: {"state": "running"}\n\n: heartbeat\n\n']
        for number, line in enumerate(self.it.events[after:], after + 1):
            told.append(f"id: {number}\nevent: x\ndata: {line}\n\n: heartbeat\n\n")
        told.append(f'event: end\ndata: {{"state": "{self.it.status}"}}\n\n')
        self._write(asked, "".join(told).encode())
        self.close_connection = True

    def _write(self, asked, content):
        cuts, sent = self.it.cuts.get(asked), 0
        cut = cuts.pop(0) if cuts else None
        if asked in self.it.holds:
            sent, reached, go_on = self.it.holds.pop(asked)
            self.wfile.write(content[:sent])
            self.wfile.flush()
            reached.set()
            go_on.wait(60)
        with contextlib.suppress(OSError):  # the client was killed
            self.wfile.write(content[sent:cut])
            self.wfile.flush()
        self.close_connection = self.close_connection or cut is not None

    def _send(self, status, content, headers=(), kind="application/json"):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            if name != "Content-Type":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
