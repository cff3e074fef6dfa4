from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from hpo_torch.plugin_api import CorruptDataError
from hpo_torch_vision.cifar_pickle import read_batch

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)


def python2_pickle(images: np.ndarray, labels: list[int]) -> bytes:
    """What Python 2 wrote: protocol 2, byte strings, numpy's old module, dtype's old arguments."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    data = images.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
        b"(K\x01(" + b"K" + bytes([len(images)]) + b"M\x00\x0ct"
        b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR(K\x03" + text(b"|") + b"NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + len(data).to_bytes(4, "little") + data + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + b"u."


def test_read_batch_reads_what_python_2_wrote(tmp_path: Path):
    path = tmp_path / "data_batch_1"
    path.write_bytes(python2_pickle(IMAGES, [7, 3]))
    images, labels = read_batch(path, "labels")
    np.testing.assert_array_equal(images, IMAGES)
    assert labels.tolist() == [7, 3]
    assert labels.dtype == np.int64


@pytest.mark.filterwarnings("ignore::numpy.exceptions.VisibleDeprecationWarning")
def test_the_pickle_of_this_test_is_one_that_pickle_reads_alike(tmp_path: Path):
    content = pickle.loads(
        python2_pickle(IMAGES, [7, 3]).replace(b"numpy.core", b"numpy._core"), encoding="latin1"
    )
    np.testing.assert_array_equal(content["data"].reshape(IMAGES.shape), IMAGES)
    assert content["labels"] == [7, 3]


class Evil:
    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.unlink, (Path("precious"),)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_read_batch_calls_nothing_that_a_pickle_brings(
    tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").touch()
    (tmp_path / "evil").write_bytes(pickle.dumps({"data": Evil(), "labels": []}, protocol))
    with pytest.raises(CorruptDataError, match="it wants to call "):
        read_batch(tmp_path / "evil", "labels")
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        python2_pickle(IMAGES, [1, 2])[:-100],
        python2_pickle(IMAGES, [1]),
        pickle.dumps({"labels": [1]}),
        pickle.dumps([1, 2]),
        pickle.dumps({"data": 5, "labels": [1]}),
    ],
    ids=["empty", "garbage", "truncated", "labels", "no-data", "list", "number"],
)
def test_read_batch_names_a_file_that_is_none_of_cifars(tmp_path: Path, content: bytes):
    path = tmp_path / "batch"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=f"{path}: expected one of CIFAR's files"):
        read_batch(path, "labels")
