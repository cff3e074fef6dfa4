from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from hpo_torch.data.archives import RemoteArchive, fetch_archive, unpack
from hpo_torch.errors import CorruptDataError, DataError, DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"set/images/a.txt": b"first", "set/images/b.txt": b"second", "set/other.txt": b"third"}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    return buffer.getvalue()


ZIP, TAR = zipped(FILES), tarred(FILES)


def remote(content: bytes, name: str, *urls: str, holds: str = "set/images") -> RemoteArchive:
    served = f"md5:{hashlib.md5(content).hexdigest()}"
    return RemoteArchive(name=name, holds=holds, urls=urls, served=served)


@dataclass
class Server:
    """Serves ZIP at /set.zip and TAR at /set.tar.gz."""

    address: str
    delay: float = 0.0
    requests: list[str] = field(default_factory=list)

    def archive(self, name: str) -> RemoteArchive:
        return remote(ZIP if name.endswith(".zip") else TAR, name, f"{self.address}/{name}")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "set.zip").write_bytes(ZIP)
    (folder / "set.tar.gz").write_bytes(TAR)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            time.sleep(served.delay)
            super().do_GET()

        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served = Server(f"http://127.0.0.1:{running.server_port}")
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield served
    running.shutdown()
    thread.join()
    running.server_close()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


EXPECTED = {"set/images/a.txt": b"first", "set/images/b.txt": b"second"}


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz"])
def test_fetch_archive_leaves_what_it_holds_and_nothing_else(
    server: Server, tmp_path: Path, name: str
):
    reported = []
    path = fetch_archive(
        server.archive(name), tmp_path / "new", lambda *report: reported.append(report)
    )
    assert path == tmp_path / "new/set/images"
    assert contents(tmp_path / "new") == EXPECTED
    size = len(ZIP if name == "set.zip" else TAR)
    assert reported == [(name, size, size)]


def test_fetch_archive_does_nothing_when_the_content_is_there(server: Server, tmp_path: Path):
    for _ in range(2):
        fetch_archive(server.archive("set.zip"), tmp_path)
    assert server.requests == ["/set.zip"]


def test_fetch_archive_unpacks_and_keeps_an_archive_that_is_there(tmp_path: Path):
    (tmp_path / "set.zip").write_bytes(ZIP)
    fetch_archive(remote(ZIP, "set.zip"), tmp_path)
    assert contents(tmp_path) == EXPECTED | {"set.zip": ZIP}


def test_fetch_archive_names_a_damaged_archive_that_is_there(tmp_path: Path):
    (tmp_path / "set.zip").write_bytes(ZIP[:-1])
    with pytest.raises(CorruptDataError, match=rf"{tmp_path}/set\.zip: expected md5:.*Delete it"):
        fetch_archive(remote(ZIP, "set.zip"), tmp_path)


def test_fetch_archive_refuses_bytes_with_another_checksum(server: Server, tmp_path: Path):
    wrong = replace(server.archive("set.zip"), served=f"md5:{hashlib.md5(b'').hexdigest()}")
    with pytest.raises(DownloadError, match=r"set\.zip.*expected md5:d41d8cd9"):
        fetch_archive(wrong, tmp_path)
    assert not (tmp_path / "set").exists()


def test_fetch_archive_that_holds_something_else_leaves_nothing(tmp_path: Path):
    (tmp_path / "set.zip").write_bytes(ZIP)
    with pytest.raises(CorruptDataError, match=r"set\.zip: expected it to hold set/labels"):
        fetch_archive(remote(ZIP, "set.zip", holds="set/labels"), tmp_path)
    assert contents(tmp_path) == {"set.zip": ZIP}


def test_fetch_archive_starts_again_after_a_kill_while_unpacking(server: Server, tmp_path: Path):
    half = tmp_path / ".set.zip.unpacked/set/images"
    half.mkdir(parents=True)
    (half / "a.txt").write_bytes(b"fi")
    (half / "stray.txt").write_bytes(b"")
    fetch_archive(server.archive("set.zip"), tmp_path)
    assert contents(tmp_path) == EXPECTED


def test_fetch_archive_by_two_processes_downloads_once(server: Server, tmp_path: Path):
    server.delay = 0.5
    script = (
        "import pathlib\n"
        "from hpo_torch.data.archives import RemoteArchive, fetch_archive\n"
        f"folder = fetch_archive({server.archive('set.zip')!r}, pathlib.Path({str(tmp_path)!r}))\n"
        "print(sorted(path.name for path in folder.iterdir()))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert outputs == [b"['a.txt', 'b.txt']\n"] * 2
    assert server.requests == ["/set.zip"]


def test_fetch_archive_says_that_a_folder_cannot_be_written(tmp_path: Path, monkeypatch):
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(DataError, match=r"cannot write to .*Permission denied.*data\.dir"):
        fetch_archive(remote(ZIP, "set.zip"), tmp_path / "sets")


@pytest.mark.parametrize(
    ("is_zip", "name"),
    [
        (True, "../evil.txt"),
        (True, "a/../../evil.txt"),
        (True, "/tmp/evil.txt"),
        (True, "C:/evil.txt"),
        (True, "..\\evil.txt"),
        (False, "../evil.txt"),
        (False, "a/../../evil.txt"),
    ],
)
def test_unpack_refuses_members_outside_of_the_folder(tmp_path: Path, is_zip: bool, name: str):
    archive = tmp_path / "archive"
    archive.write_bytes((zipped if is_zip else tarred)({"good.txt": b"", name: b"evil"}))
    with pytest.raises(CorruptDataError, match="safe archive"):
        unpack(archive, tmp_path / "in/side", zipped=is_zip)
    assert not list(tmp_path.rglob("*evil*"))


def test_unpack_drops_a_leading_slash_of_tar(tmp_path: Path):
    (tmp_path / "archive").write_bytes(tarred({"/inner/good.txt": b"good"}))
    unpack(tmp_path / "archive", tmp_path / "out", zipped=False)
    assert contents(tmp_path / "out") == {"inner/good.txt": b"good"}


def test_unpack_refuses_links_that_lead_outside(tmp_path: Path):
    (tmp_path / "archive").write_bytes(tarred({}, {"link": "../../secret"}))
    with pytest.raises(CorruptDataError, match="safe archive"):
        unpack(tmp_path / "archive", tmp_path / "out", zipped=False)


@pytest.mark.parametrize("content", [b"", b"no archive", ZIP[:-30], TAR[:-30]])
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "tar"])
def test_unpack_refuses_a_damaged_archive(tmp_path: Path, content: bytes, is_zip: bool):
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(CorruptDataError, match="expected a complete, safe archive"):
        unpack(tmp_path / "archive", tmp_path / "out", zipped=is_zip)
