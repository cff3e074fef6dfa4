from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from hpo_torch.data.downloads import RemoteFile, fetch_file, find_file, read_file, verify_file
from hpo_torch.errors import CorruptDataError, DataError, DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 1000
PACKED = gzip.compress(CONTENT, compresslevel=0, mtime=0)  # stored: larger than one chunk


@dataclass
class Server:
    """Serves PACKED at /good, a prefix at /truncated, other bytes at /wrong, 404 elsewhere."""

    address: str
    delay: float = 0.0
    requests: list[str] = field(default_factory=list)

    def file(self, *paths: str) -> RemoteFile:
        return RemoteFile(
            name="values",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            urls=tuple(f"{self.address}{path}" for path in paths),
            served=f"md5:{hashlib.md5(PACKED).hexdigest()}",
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            time.sleep(served.delay)
            body = {"/wrong": gzip.compress(b"other")}.get(self.path, PACKED)
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # the connection closes after each answer: too little of it is a cut line
            self.wfile.write(body[: len(body) // 2] if self.path == "/truncated" else body)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Server(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield served
    http.shutdown()
    thread.join()
    http.server_close()


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".values.lock"}


def test_fetch_file_unpacks_verifies_and_reports_progress(server: Server, tmp_path: Path):
    seen: list[tuple[str, int, int]] = []
    path = fetch_file(server.file("/good"), tmp_path / "new", lambda *report: seen.append(report))
    assert path == tmp_path / "new" / "values"
    assert path.read_bytes() == CONTENT
    assert left_in(path.parent) == {"values"}
    assert {name for name, _, _ in seen} == {"values.gz"}
    assert {total for _, _, total in seen} == {len(PACKED)}
    done = [bytes_so_far for _, bytes_so_far, _ in seen]
    assert done[0] == 1 << 16
    assert done == sorted(done)
    assert done[-1] == len(PACKED)


def test_fetch_file_does_nothing_when_the_file_is_there(server: Server, tmp_path: Path):
    for _ in range(2):
        fetch_file(server.file("/good"), tmp_path)
    assert server.requests == ["/good"]


@pytest.mark.parametrize("first", ["/missing", "/wrong", "/truncated"])
def test_fetch_file_goes_on_to_the_next_mirror(server: Server, tmp_path: Path, first: str):
    path = fetch_file(server.file(first, "/good"), tmp_path)
    assert path.read_bytes() == CONTENT
    # a cut line is tried again, as long as that gets further
    assert server.requests == [first] * (2 if first == "/truncated" else 1) + ["/good"]
    assert left_in(tmp_path) == {"values"}


def test_fetch_file_goes_on_when_nobody_listens(server: Server, tmp_path: Path):
    file = server.file("/good")
    dead = replace(file, urls=("http://127.0.0.1:9/values.gz", *file.urls))
    assert fetch_file(dead, tmp_path).read_bytes() == CONTENT


def test_fetch_file_says_how_each_mirror_failed(server: Server, tmp_path: Path):
    with pytest.raises(DownloadError) as error:
        fetch_file(server.file("/missing", "/wrong"), tmp_path)
    message = str(error.value)
    assert "cannot download values.gz: every mirror failed" in message
    assert f"{server.address}/missing: 404" in message
    wrong = hashlib.md5(gzip.compress(b"other")).hexdigest()
    expected = hashlib.md5(PACKED).hexdigest()
    assert f"{server.address}/wrong: expected md5:{expected}, got md5:{wrong}" in message


def test_fetch_file_keeps_what_came_over_a_cut_line(server: Server, tmp_path: Path):
    with pytest.raises(DownloadError):
        fetch_file(server.file("/truncated"), tmp_path)
    assert left_in(tmp_path) == {".values.gz.part"}
    whole_chunks = len(PACKED) // 2 // (1 << 16) * (1 << 16)
    assert (tmp_path / ".values.gz.part").read_bytes() == PACKED[:whole_chunks]


@pytest.mark.parametrize("path", ["/wrong", "/missing"])
def test_fetch_file_leaves_nothing_behind_when_it_fails(server: Server, tmp_path: Path, path: str):
    with pytest.raises(DownloadError):
        fetch_file(server.file(path), tmp_path)
    assert left_in(tmp_path) == set()


def test_fetch_file_refuses_content_that_only_the_published_checksum_fits(
    server: Server, tmp_path: Path
):
    other = replace(server.file("/good"), sha256=hashlib.sha256(b"").hexdigest())
    with pytest.raises(CorruptDataError, match="expected SHA-256 e3b0c44"):
        fetch_file(other, tmp_path)
    assert left_in(tmp_path) == set()


def test_fetch_file_overwrites_what_a_killed_process_left(server: Server, tmp_path: Path):
    (tmp_path / ".values.gz.part").write_bytes(b"half")
    (tmp_path / ".values.part").write_bytes(b"half")
    assert fetch_file(server.file("/good"), tmp_path).read_bytes() == CONTENT
    assert left_in(tmp_path) == {"values"}


def test_fetch_file_says_that_a_folder_cannot_be_written(tmp_path: Path, monkeypatch):
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    file = RemoteFile(name="values", sha256="", urls=(), served="")
    with pytest.raises(DataError, match=r"cannot write to .*Permission denied.*data\.dir"):
        fetch_file(file, tmp_path / "sets")


def test_fetch_file_says_that_a_file_is_in_the_folders_place(tmp_path: Path):
    (tmp_path / "sets").touch()
    file = RemoteFile(name="values", urls=(), served="")
    with pytest.raises(DataError, match=r"cannot write to .*sets: (Not a directory|File exists)"):
        fetch_file(file, tmp_path / "sets")


def test_fetch_file_serves_a_file_as_it_is(server: Server, tmp_path: Path):
    file = replace(server.file("/good"), name="values.bin", sha256=None)
    seen: list[str] = []
    path = fetch_file(file, tmp_path, lambda name, *_: seen.append(name))
    assert path == tmp_path / "values.bin"
    assert path.read_bytes() == PACKED
    assert set(seen) == {"values.bin"}
    assert left_in(tmp_path) == {"values.bin", ".values.bin.lock"}
    assert find_file(file, (tmp_path,)) == path
    verify_file(path, file)
    path.write_bytes(PACKED[:-1])
    with pytest.raises(CorruptDataError, match=r"values\.bin: expected md5:.* Delete it"):
        verify_file(path, file)


def test_fetch_file_by_two_processes_downloads_once(server: Server, tmp_path: Path):
    server.delay = 0.5
    script = (
        "import pathlib, sys\n"
        "from hpo_torch.data.downloads import RemoteFile, fetch_file\n"
        f"file = {server.file('/good')!r}\n"
        f"print(len(fetch_file(file, pathlib.Path({str(tmp_path)!r})).read_bytes()))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert outputs == [b"256000\n"] * 2
    assert server.requests == ["/good"]
    assert left_in(tmp_path) == {"values"}


def test_find_file_prefers_unpacked_and_the_first_folder(tmp_path: Path):
    file = RemoteFile(name="values", sha256="", urls=(), served="")
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    assert find_file(file, (one, two)) is None
    for path in (two / "values.gz", two / "values", one / "values.gz", one / "values"):
        path.touch()
        assert find_file(file, (one, two)) == path


def test_verify_file_accepts_unpacked_and_packed(tmp_path: Path):
    file = RemoteFile(name="values", sha256=hashlib.sha256(CONTENT).hexdigest(), urls=(), served="")
    plain, packed = tmp_path / "values", tmp_path / "values.gz"
    plain.write_bytes(CONTENT)
    packed.write_bytes(gzip.compress(CONTENT, compresslevel=1))  # packed otherwise than served
    verify_file(plain, file)
    verify_file(packed, file)
    assert read_file(packed) == read_file(plain) == CONTENT


def test_verify_file_names_a_damaged_file_and_says_what_to_do(tmp_path: Path):
    file = RemoteFile(name="v", sha256=hashlib.sha256(CONTENT).hexdigest(), urls=(), served="")
    path = tmp_path / "v"
    path.write_bytes(CONTENT[:-1] + b"\0")
    with pytest.raises(CorruptDataError) as error:
        verify_file(path, file)
    assert str(path) in str(error.value)
    assert "Delete it and run again" in str(error.value)


@pytest.mark.parametrize("content", [PACKED[:-100], b"no gzip at all", PACKED[:10] + b"\xff" * 99])
def test_read_file_refuses_a_broken_gzip_file(tmp_path: Path, content: bytes):
    path = tmp_path / "values.gz"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"values\.gz: expected a complete gzip file"):
        read_file(path)
