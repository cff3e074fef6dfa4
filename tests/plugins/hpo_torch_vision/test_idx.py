from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hpo_torch.data.downloads import RemoteFile
from hpo_torch.plugin_api import (
    CorruptDataError,
    DataNotFoundError,
    DataRequest,
    DownloadError,
)
from hpo_torch_vision.idx import IdxDataset, parse_idx

if TYPE_CHECKING:
    from collections.abc import Iterator

RANDOM = np.random.default_rng(0)
ARRAYS = {
    "train-images": RANDOM.integers(0, 256, (6, 3, 2), dtype=np.uint8),
    "train-labels": np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8),
    "test-images": RANDOM.integers(0, 256, (2, 3, 2), dtype=np.uint8),
    "test-labels": np.array([2, 0], dtype=np.uint8),
}


def idx_bytes(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def toy(mirror: str) -> IdxDataset:
    def remote(name: str) -> RemoteFile:
        content = idx_bytes(ARRAYS[name])
        return RemoteFile(
            name=name,
            sha256=hashlib.sha256(content).hexdigest(),
            urls=(f"{mirror}/{name}.gz",),
            served=f"md5:{hashlib.md5(gzip.compress(content, mtime=0)).hexdigest()}",
        )

    return IdxDataset(
        name="toy",
        folder="Toy",
        train_images=remote("train-images"),
        train_labels=remote("train-labels"),
        test_images=remote("test-images"),
        test_labels=remote("test-labels"),
        class_names=("a", "b", "c"),
    )


TOY = toy("http://127.0.0.1:9")  # nobody listens


def write_files(folder: Path, *, packed: bool = False) -> None:
    folder.mkdir(parents=True)
    for name, array in ARRAYS.items():
        content = idx_bytes(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def offline(folder: Path) -> DataRequest:
    return DataRequest(data_dir=folder, download=False)


@pytest.fixture
def mirror(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a server of the four files."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path_factory.mktemp("mirror")
    for name, array in ARRAYS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array), mtime=0))

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "gz"])
@pytest.mark.parametrize("place", ["toy/Toy/raw", "Toy/raw"])
def test_set_is_read_from_both_places_unpacked_or_packed(tmp_path: Path, place: str, packed: bool):
    write_files(tmp_path / place, packed=packed)
    TOY.prepare(offline(tmp_path))
    data = TOY.load(offline(tmp_path))
    np.testing.assert_array_equal(data.train_images[:, 0], ARRAYS["train-images"])
    np.testing.assert_array_equal(data.train_labels, ARRAYS["train-labels"])
    np.testing.assert_array_equal(data.test_images[:, 0], ARRAYS["test-images"])
    np.testing.assert_array_equal(data.test_labels, ARRAYS["test-labels"])
    assert data.class_names == ("a", "b", "c")


def test_prepare_downloads_what_is_missing_only(tmp_path: Path, mirror: str):
    write_files(tmp_path / "Toy/raw")
    (tmp_path / "Toy/raw/test-labels").unlink()
    reported = []
    request = DataRequest(
        data_dir=tmp_path, progress=lambda name, done, total: reported.append(name)
    )
    toy(mirror).prepare(request)
    assert set(reported) == {"test-labels.gz"}
    fetched = tmp_path / "toy/Toy/raw/test-labels"
    assert fetched.read_bytes() == idx_bytes(ARRAYS["test-labels"])
    toy(mirror).prepare(offline(tmp_path))


def test_prepare_downloads_a_whole_set(tmp_path: Path, mirror: str):
    toy(mirror).prepare(DataRequest(data_dir=tmp_path))
    data = toy(mirror).load(offline(tmp_path))
    assert (len(data.train_images), len(data.test_images)) == (6, 2)


def test_prepare_without_download_says_where_it_looked(tmp_path: Path):
    with pytest.raises(DataNotFoundError) as error:
        TOY.prepare(offline(tmp_path))
    message = str(error.value)
    for part in (*ARRAYS, str(tmp_path / "toy/Toy/raw"), str(tmp_path / "Toy/raw"), "data.dir"):
        assert part in message
    assert list(tmp_path.iterdir()) == []


def test_prepare_reports_dead_mirrors(tmp_path: Path):
    with pytest.raises(DownloadError, match="cannot download train-images"):
        TOY.prepare(DataRequest(data_dir=tmp_path))


def test_prepare_names_a_damaged_file_even_when_it_may_download(tmp_path: Path, mirror: str):
    write_files(tmp_path / "toy/Toy/raw")
    path = tmp_path / "toy/Toy/raw/train-images"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(CorruptDataError, match=f"{path}: expected SHA-256 .*Delete it"):
        toy(mirror).prepare(DataRequest(data_dir=tmp_path))


def test_load_of_an_unprepared_set_says_so(tmp_path: Path):
    with pytest.raises(DataNotFoundError, match="train-images"):
        TOY.load(offline(tmp_path))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0,)])
def test_parse_idx_reads_what_the_format_says(shape: tuple[int, ...]):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    parsed = parse_idx(idx_bytes(array), len(shape), Path("x"))
    np.testing.assert_array_equal(parsed, array)
    assert parsed.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with 00000801, got ''"),
        (bytes([0, 0, 9, 1, 0, 0, 0, 0]), "begins with 00000801, got '0000090100000000'"),
        (bytes([0, 0, 8, 3, 0, 0, 0, 0]), "begins with 00000801, got '0000080300000000'"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 7]), r"an array \[3\], got 2 bytes"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 1, 7, 7]), r"an array \[1\], got 2 bytes"),
        (bytes([0, 0, 8, 1, 0, 0]), "a header of 8 bytes .*, got '000008010000'"),
    ],
    ids=["empty", "type", "dimensions", "short", "long", "header"],
)
def test_parse_idx_refuses_what_is_not_such_an_array(content: bytes, message: str):
    with pytest.raises(CorruptDataError, match=f"labels.*{message}"):
        parse_idx(content, 1, Path("labels"))
