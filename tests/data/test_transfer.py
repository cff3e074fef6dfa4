from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest

from hpo_torch.data.transfer import checksum_failure, download
from hpo_torch.errors import DownloadError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.data.conftest import RangeServer

CONTENT = random.Random(1).randbytes(500_000)
CHUNK = 1 << 16  # what has come of a chunk is lost with the line
SERVED = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


def fetch(server: RangeServer, path: Path, *paths: str) -> list[tuple[str, int, int]]:
    server.content = CONTENT
    seen: list[tuple[str, int, int]] = []
    urls = tuple(server.url(each) for each in paths)
    download("the file", urls, SERVED, path, lambda *report: seen.append(report))
    return seen


def test_download_asks_for_the_rest_only(range_server: RangeServer, tmp_path: Path):
    path = tmp_path / "part"
    path.write_bytes(CONTENT[:100_000])
    seen = fetch(range_server, path, "/good")
    assert path.read_bytes() == CONTENT
    assert range_server.requests == [("/good", "bytes=100000-")]
    assert seen[0] == ("the file", 165_536, 500_000)  # what was there, and the first 64 KiB
    assert seen[-1] == ("the file", 500_000, 500_000)


def test_download_starts_anew_where_the_server_knows_no_range(
    range_server: RangeServer, tmp_path: Path
):
    path = tmp_path / "part"
    path.write_bytes(CONTENT[:100_000])
    seen = fetch(range_server, path, "/no-range")
    assert path.read_bytes() == CONTENT
    assert range_server.requests == [("/no-range", "bytes=100000-")]
    assert seen[0] == ("the file", 65_536, 500_000)


def test_download_goes_on_after_each_cut_line(range_server: RangeServer, tmp_path: Path):
    range_server.at_once = 3 * CHUNK + 1
    fetch(range_server, tmp_path / "part", "/drops")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert [asked for _, asked in range_server.requests] == ["", "bytes=196608-", "bytes=393216-"]


def test_download_gives_a_mirror_up_after_five_cut_lines(range_server: RangeServer, tmp_path: Path):
    range_server.at_once = CHUNK
    with pytest.raises(DownloadError, match=r"the file: every mirror failed .*/drops: "):
        fetch(range_server, tmp_path / "part", "/drops")
    assert len(range_server.requests) == 5
    assert (tmp_path / "part").read_bytes() == CONTENT[: 5 * CHUNK]


def test_download_goes_on_at_the_next_mirror(range_server: RangeServer, tmp_path: Path):
    range_server.at_once = CHUNK
    fetch(range_server, tmp_path / "part", "/missing", "/drops", "/good")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert range_server.requests[-1] == ("/good", f"bytes={5 * CHUNK}-")


@pytest.mark.parametrize(
    "beginning",
    [b"x" * 1000, CONTENT + b"more", b"x" * len(CONTENT)],
    ids=["other bytes", "too long", "other bytes, whole"],
)
def test_download_starts_anew_after_a_wrong_beginning(
    range_server: RangeServer, tmp_path: Path, beginning: bytes
):
    path = tmp_path / "part"
    path.write_bytes(beginning)
    fetch(range_server, path, "/good")
    assert path.read_bytes() == CONTENT
    assert range_server.requests == [("/good", f"bytes={len(beginning)}-"), ("/good", "")]


def test_download_of_wrong_bytes_keeps_nothing(range_server: RangeServer, tmp_path: Path):
    path = tmp_path / "part"
    path.write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match=r"/wrong: expected sha256:.*, got sha256:"):
        fetch(range_server, path, "/wrong")
    assert not path.exists()
    assert range_server.requests == [("/wrong", "bytes=1000-"), ("/wrong", "")]


def test_download_of_a_complete_file_asks_nobody(range_server: RangeServer, tmp_path: Path):
    (tmp_path / "part").write_bytes(CONTENT)
    assert fetch(range_server, tmp_path / "part", "/good") == []
    assert range_server.requests == []


def test_checksum_failure_knows_the_algorithms(tmp_path: Path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert checksum_failure(path, "md5:900150983cd24fb0d6963f7d28e17f72") is None
    assert checksum_failure(path, "md5:0") == (
        "expected md5:0, got md5:900150983cd24fb0d6963f7d28e17f72"
    )
