from __future__ import annotations

import functools
import hashlib
import http.server
import os
import tarfile
import threading
from typing import TYPE_CHECKING

import pytest

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    DataRequest,
    DownloadError,
    RemoteArchive,
)
from hpo_torch_text.imdb import IMDB, Imdb, list_reviews

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REVIEWS = {
    "train/neg/0_2.txt": "dull",
    "train/neg/1_1.txt": "awful",
    "train/pos/0_9.txt": "très bien",
    "test/neg/0_3.txt": "boring",
    "test/pos/0_10.txt": "fine",
    "test/pos/1_8.txt": "good",
}


def write(folder: Path) -> None:
    for name, text in REVIEWS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def offline(folder: Path, warnings: list[str] | None = None) -> DataRequest:
    warn = None if warnings is None else warnings.append
    return DataRequest(data_dir=folder, download=False, warn=warn)


@pytest.fixture
def served(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Imdb]:
    """The set of six reviews, with its archive on a server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path_factory.mktemp("mirror")
    write(folder / "aclImdb")
    archive = folder / "aclImdb_v1.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "aclImdb", "aclImdb")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Imdb(
        RemoteArchive(
            name=archive.name,
            holds="aclImdb",
            urls=(f"http://127.0.0.1:{server.server_port}/{archive.name}",),
            served=f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}",
        )
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("place", ["imdb/aclImdb", "aclImdb"])
def test_imdb_reads_both_places_and_says_that_it_is_a_part(tmp_path: Path, place: str):
    write(tmp_path / place)
    (tmp_path / place / "train/pos/._0_9.txt").write_bytes(b"\xff")  # as macOS adds to archives
    (tmp_path / place / "train/urls_pos.txt").touch()
    warnings: list[str] = []
    IMDB.prepare(offline(tmp_path, warnings))
    assert len(warnings) == 1
    assert "3 training and 3 test reviews, the whole set 25,000 each" in warnings[0]
    data = IMDB.load(offline(tmp_path))
    assert list(data.train_texts) == ["dull", "awful", "très bien"]
    assert data.train_labels.tolist() == [0, 0, 1]
    assert list(data.test_texts) == ["boring", "fine", "good"]
    assert data.test_labels.tolist() == [0, 1, 1]
    assert data.class_names == ("negative", "positive")


def test_imdb_reads_changed_files_again(tmp_path: Path):
    write(tmp_path / "aclImdb")
    before = IMDB.load(offline(tmp_path))
    assert IMDB.load(offline(tmp_path)).fingerprint == before.fingerprint
    assert (tmp_path / "imdb/texts.npz").is_file()
    review = tmp_path / "aclImdb/train/neg/0_2.txt"
    review.write_text("flat", encoding="utf-8")  # as long as before
    os.utime(review, ns=(1, 1))
    after = IMDB.load(offline(tmp_path))
    assert list(after.train_texts) == ["flat", "awful", "très bien"]
    assert after.fingerprint != before.fingerprint


def test_imdb_reads_one_file_after_the_first_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "aclImdb")
    IMDB.prepare(offline(tmp_path))
    monkeypatch.setattr("hpo_torch_text.imdb._read_review", None)
    assert list(IMDB.load(offline(tmp_path)).test_texts) == ["boring", "fine", "good"]


def test_imdb_is_fetched_unpacked_and_needed_once(tmp_path: Path, served: Imdb):
    reported: set[str] = set()
    request = DataRequest(data_dir=tmp_path, progress=lambda name, *_: reported.add(name))
    served.prepare(request)
    assert reported == {"aclImdb_v1.tar.gz"}
    assert len(list_reviews(tmp_path / "imdb/aclImdb")) == 4
    left = {each.name for each in (tmp_path / "imdb").iterdir()}
    assert {name for name in left if not name.endswith(".lock")} == {"aclImdb", "texts.npz"}
    served.prepare(offline(tmp_path))
    assert list(served.load(offline(tmp_path)).train_texts) == ["dull", "awful", "très bien"]


def test_imdb_unpacks_an_archive_put_there_by_hand_offline(tmp_path: Path):
    write(tmp_path / "made/aclImdb")
    (tmp_path / "imdb").mkdir()
    archive = tmp_path / "imdb/aclImdb_v1.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "made/aclImdb", "aclImdb")
    served = f"md5:{hashlib.md5(archive.read_bytes()).hexdigest()}"
    imdb = Imdb(RemoteArchive(name=archive.name, holds="aclImdb", urls=(), served=served))
    imdb.prepare(offline(tmp_path))
    assert list(imdb.load(offline(tmp_path)).test_texts) == ["boring", "fine", "good"]
    assert archive.is_file()


def test_imdb_without_download_says_where_it_looked(tmp_path: Path):
    for call in (IMDB.prepare, IMDB.load):
        with pytest.raises(DataNotFoundError) as error:
            call(offline(tmp_path))
        for part in (
            tmp_path / "imdb/aclImdb",
            tmp_path / "aclImdb",
            "data.download",
            "ai.stanford",
        ):
            assert str(part) in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_imdb_reports_a_dead_mirror(tmp_path: Path):
    dead = Imdb(
        RemoteArchive(name="a.tar.gz", holds="a", urls=("http://127.0.0.1:9/a",), served="md5:0")
    )
    with pytest.raises(DownloadError, match=r"cannot download a\.tar\.gz"):
        dead.prepare(DataRequest(data_dir=tmp_path))


def test_imdb_names_a_class_without_reviews(tmp_path: Path):
    write(tmp_path / "aclImdb")
    (tmp_path / "aclImdb/test/neg/0_3.txt").unlink()
    with pytest.raises(DataError, match=r"expected reviews in .*test/neg"):
        IMDB.prepare(offline(tmp_path))


def test_imdb_names_a_damaged_review(tmp_path: Path):
    write(tmp_path / "aclImdb")
    (tmp_path / "aclImdb/test/pos/1_8.txt").write_bytes(b"caf\xe9")
    with pytest.raises(CorruptDataError, match=r"1_8\.txt: expected a text in UTF-8"):
        IMDB.prepare(offline(tmp_path))
