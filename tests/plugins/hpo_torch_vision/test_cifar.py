from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision

from hpo_torch.data.checks import check_image_data
from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    DataRequest,
    DownloadError,
)
from hpo_torch_vision.cifar import CIFAR10, CIFAR100, Batch, CifarDataset
from hpo_torch_vision.cifar_classes import CIFAR10_CLASSES, CIFAR100_CLASSES

if TYPE_CHECKING:
    from pathlib import Path

THEIRS = {"cifar10": torchvision.datasets.CIFAR10, "cifar100": torchvision.datasets.CIFAR100}
RANDOM = np.random.default_rng(0)


def batch_bytes(label_key: str, count: int) -> tuple[np.ndarray, list[int], bytes]:
    images = RANDOM.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    labels = [int(label) for label in RANDOM.integers(0, 10, count)]
    data = images.reshape(count, -1)
    # Protocol 2 writes bytes of Python 3 as a call of _codecs.encode; 3 does not.
    return images, labels, pickle.dumps({"data": data, label_key: labels}, protocol=3)


BATCHES = {name: batch_bytes("labels", 3) for name in ("one", "two", "test")}


def toy() -> CifarDataset:
    def batch(name: str) -> Batch:
        return Batch(name, hashlib.md5(BATCHES[name][2]).hexdigest())

    archive = replace(CIFAR10.archive, urls=("http://127.0.0.1:9/",))
    return replace(
        CIFAR10, archive=archive, train=(batch("one"), batch("two")), test=(batch("test"),)
    )


def write_batches(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, (_, _, content) in BATCHES.items():
        (folder / name).write_bytes(content)


def offline(folder: Path) -> DataRequest:
    return DataRequest(data_dir=folder, download=False)


@pytest.mark.parametrize("ours", [CIFAR10, CIFAR100], ids=lambda each: each.name)
def test_table_is_torchvisions(ours: CifarDataset):
    theirs = THEIRS[ours.name]
    assert [[batch.name, batch.md5] for batch in ours.train] == theirs.train_list
    assert [[batch.name, batch.md5] for batch in ours.test] == theirs.test_list
    archive = ours.archive
    assert archive.urls == (theirs.url,)
    assert (archive.name, archive.holds) == (theirs.filename, theirs.base_folder)
    assert archive.served == f"md5:{theirs.tgz_md5}"


def test_class_names_are_alphabetical_and_different():
    assert len(CIFAR10_CLASSES) == 10
    assert list(CIFAR10_CLASSES) == sorted(set(CIFAR10_CLASSES))
    assert len(CIFAR100_CLASSES) == 100
    assert list(CIFAR100_CLASSES) == sorted(set(CIFAR100_CLASSES))


@pytest.mark.parametrize("place", ["cifar10/cifar-10-batches-py", "cifar-10-batches-py"])
def test_cifar_reads_torchvisions_layout(tmp_path: Path, place: str):
    write_batches(tmp_path / place)
    toy().prepare(offline(tmp_path))
    data = toy().load(offline(tmp_path))
    check_image_data("cifar10", data)
    one, two, test = BATCHES.values()
    np.testing.assert_array_equal(data.train_images, np.concatenate([one[0], two[0]]))
    assert data.train_labels.tolist() == one[1] + two[1]
    np.testing.assert_array_equal(data.test_images, test[0])
    assert data.test_labels.tolist() == test[1]


def test_cifar_unpacks_an_archive_that_lies_there(tmp_path: Path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, (_, _, content) in BATCHES.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    served = f"md5:{hashlib.md5(buffer.getvalue()).hexdigest()}"
    cifar = replace(toy(), archive=replace(toy().archive, served=served))
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10/cifar-10-python.tar.gz").write_bytes(buffer.getvalue())
    cifar.prepare(offline(tmp_path))
    assert len(cifar.load(offline(tmp_path)).train_labels) == 6


def test_cifar_absent_is_downloaded_or_reported(tmp_path: Path):
    with pytest.raises(DataNotFoundError, match=r"cifar10: cifar-10-batches-py not found in"):
        toy().prepare(offline(tmp_path))
    with pytest.raises(DownloadError, match=r"cannot download cifar-10-python\.tar\.gz"):
        toy().prepare(DataRequest(data_dir=tmp_path))


def test_cifar_names_a_damaged_and_a_missing_file(tmp_path: Path):
    folder = tmp_path / "cifar-10-batches-py"
    write_batches(folder)
    (folder / "two").write_bytes(BATCHES["one"][2])
    with pytest.raises(CorruptDataError, match=rf"{folder}/two: expected MD5 .*Delete {folder}"):
        toy().prepare(offline(tmp_path))
    (folder / "two").unlink()
    with pytest.raises(CorruptDataError, match=rf"{folder}/two is not there\. Delete {folder}"):
        toy().prepare(offline(tmp_path))


def write_subset(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.zeros((len(labels), 32, 32, 3), np.uint8)
    images[:, 0, 0, 2] = np.arange(len(labels))
    np.savez(path, images=images, labels=labels)


def test_cifar_takes_a_subset_loudly(tmp_path: Path):
    labels = np.repeat(np.arange(10), 10)
    write_subset(tmp_path / "cifar10/some.npz", labels)
    lines: list[str] = []
    request = DataRequest(data_dir=tmp_path, warn=lines.append)  # may download, and does not
    toy().prepare(request)
    assert len(lines) == 1
    assert lines[0].startswith("cifar10: only a subset of 100 images, ")
    data = toy().load(request)
    check_image_data("cifar10", data)
    assert torch.bincount(data.test_labels).tolist() == [2] * 10
    assert torch.bincount(data.train_labels).tolist() == [8] * 10
    numbers = torch.cat([data.train_images, data.test_images])[:, 2, 0, 0]
    assert sorted(numbers.tolist()) == list(range(100))
    assert toy().load(request).fingerprint == data.fingerprint


def test_cifar_prefers_the_whole_set_to_a_subset(tmp_path: Path):
    write_subset(tmp_path / "cifar10/some.npz", np.repeat(np.arange(10), 10))
    write_batches(tmp_path / "cifar-10-batches-py")
    toy().prepare(replace(offline(tmp_path), warn=pytest.fail))
    assert len(toy().load(offline(tmp_path)).train_labels) == 6


def test_cifar_refuses_two_subsets_and_a_wrong_one(tmp_path: Path):
    write_subset(tmp_path / "cifar10/a.npz", np.arange(11))
    with pytest.raises(CorruptDataError, match=r"a\.npz.*labels 0\.\.10"):
        toy().prepare(offline(tmp_path))
    write_subset(tmp_path / "cifar10/b.npz", np.arange(10))
    with pytest.raises(DataError, match=r"expected one subset.*a\.npz, b\.npz"):
        toy().prepare(offline(tmp_path))


def test_real_subset_of_4000_images(test_data_dir: Path):
    lines: list[str] = []
    request = replace(offline(test_data_dir), warn=lines.append)
    CIFAR10.prepare(request)
    assert "only a subset of 4000 images" in lines[0]
    data = CIFAR10.load(request)
    check_image_data("cifar10", data)
    assert data.train_images.shape[1:] == (3, 32, 32)
    assert len(data.train_labels) + len(data.test_labels) == 4000
    counts = torch.bincount(torch.cat([data.train_labels, data.test_labels]))
    assert (torch.bincount(data.test_labels) - 0.2 * counts).abs().max() <= 0.5
    # The first images of the real training set: a frog and two trucks.
    with np.load(test_data_dir / "cifar10/cifar10-first4000.npz") as whole:
        names = [CIFAR10_CLASSES[label] for label in whole["labels"][:3]]
    assert names == ["frog", "truck", "truck"]
