"""Downloads of whole processes: killed in the middle, or two at once."""

from __future__ import annotations

import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from hpo_torch.data.archives import RemoteArchive, fetch_archive
from hpo_torch.data.downloads import RemoteFile, fetch_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.data.conftest import RangeServer

CONTENT = random.Random(2).randbytes(400_000)
HALF = 3 << 16  # whole chunks: what has come of a chunk is lost with the process


def packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("folder/values")
        member.size = len(CONTENT)
        archive.addfile(member, io.BytesIO(CONTENT))
    return buffer.getvalue()


def start(call: str, folder: Path) -> subprocess.Popen[bytes]:
    script = (
        "from pathlib import Path\n"
        "from hpo_torch.data.archives import RemoteArchive, fetch_archive\n"
        "from hpo_torch.data.downloads import RemoteFile, fetch_file\n"
        f"{call.format(folder=f'Path({str(folder)!r})')}\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", script], env=environment)


def wait_for_size(path: Path, size: int) -> None:
    end = time.monotonic() + 60
    while not (path.is_file() and path.stat().st_size >= size):
        assert time.monotonic() < end, f"{path} did not grow to {size} bytes"
        time.sleep(0.01)


@pytest.mark.parametrize("form", ["file", "archive"])
def test_a_download_killed_in_the_middle_goes_on(
    range_server: RangeServer, tmp_path: Path, form: str
):
    is_file = form == "file"
    range_server.content = CONTENT if is_file else packed()
    range_server.at_once = HALF
    served = f"sha256:{hashlib.sha256(range_server.content).hexdigest()}"

    def remote(path: str) -> RemoteFile | RemoteArchive:
        urls = (range_server.url(path),)
        if is_file:
            return RemoteFile(name="values", urls=urls, served=served)
        return RemoteArchive(name="values.tar", holds="folder", urls=urls, served=served)

    process = start(f"fetch_{form}({remote('/hangs')!r}, {{folder}})", tmp_path)
    part = tmp_path / (".values.part" if is_file else ".values.tar.part")
    wait_for_size(part, HALF)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert part.stat().st_size == HALF
    assert not (tmp_path / ("values" if is_file else "folder")).exists()

    again = start(f"fetch_{form}({remote('/good')!r}, {{folder}})", tmp_path)
    assert again.wait(60) == 0
    got = tmp_path / ("values" if is_file else "folder/values")
    assert got.read_bytes() == CONTENT
    assert range_server.requests == [("/hangs", ""), ("/good", f"bytes={HALF}-")]
    left = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")}
    assert left == {"values" if is_file else "folder"}


def test_two_processes_download_an_archive_once(range_server: RangeServer, tmp_path: Path):
    range_server.content, range_server.delay = packed(), 0.5
    archive = RemoteArchive(
        name="values.tar",
        holds="folder",
        urls=(range_server.url("/good"),),
        served=f"md5:{hashlib.md5(range_server.content).hexdigest()}",
    )
    processes = [start(f"fetch_archive({archive!r}, {{folder}})", tmp_path) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert range_server.requests == [("/good", "")]
    assert (tmp_path / "folder/values").read_bytes() == CONTENT


def test_an_archive_killed_while_unpacking_is_unpacked_anew(
    range_server: RangeServer, tmp_path: Path
):
    range_server.content = packed()
    served = f"sha256:{hashlib.sha256(range_server.content).hexdigest()}"
    archive = RemoteArchive(name="values.tar", holds="folder", urls=("http://x",), served=served)
    (tmp_path / ".values.tar.part").write_bytes(range_server.content)
    (tmp_path / ".values.tar.unpacked/folder").mkdir(parents=True)
    (tmp_path / ".values.tar.unpacked/folder/half").touch()
    assert fetch_archive(archive, tmp_path) == tmp_path / "folder"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["values"]


def test_a_file_complete_before_the_kill_is_not_asked_for_again(tmp_path: Path):
    served = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    (tmp_path / ".values.part").write_bytes(CONTENT)
    path = fetch_file(RemoteFile(name="values", urls=("http://x",), served=served), tmp_path)
    assert path.read_bytes() == CONTENT
