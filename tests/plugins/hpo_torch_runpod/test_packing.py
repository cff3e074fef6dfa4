from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from hpo_torch.plugin_api import CorruptDataError, ImageData, TextData
from hpo_torch_runpod import packing
from hpo_torch_runpod.packing import pack, read, unpack, unpacked_size

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = ImageData(
    train_images=torch.arange(96, dtype=torch.uint8).view(6, 1, 4, 4),
    train_labels=torch.tensor([0, 1, 0, 1, 0, 1]),
    test_images=torch.full((2, 1, 4, 4), 201, dtype=torch.uint8),
    test_labels=torch.tensor([0, 1]),
    class_names=("cat", "dög"),
    groups=torch.tensor([5, 5, 6, 6, 7, 7]),
    fingerprint="abc",
)
TEXTS = TextData(
    train_texts=["good", "", "schlecht ü", "half a pair: \ud83d", "日本"],
    train_labels=torch.tensor([0, 1, 1, 0, 0]),
    test_texts=["withheld words", "more of them"],
    test_labels=torch.tensor([0, 1]),
    class_names=("good", "bad"),
    fingerprint="def",
)


def there_and_back(data: ImageData | TextData, folder: Path, *positions: int):
    chosen = np.array(positions or range(len(data.train_labels)), dtype=np.int64)
    pack(data, folder / "packed", chosen, data.fingerprint)
    (folder / "content").mkdir()
    unpack(folder / "packed", folder / "content")
    return read(folder / "content")


def test_images_come_back_without_their_test_part(tmp_path: Path):
    back = there_and_back(IMAGES, tmp_path)
    assert isinstance(back, ImageData)
    assert torch.equal(back.train_images, IMAGES.train_images)
    assert torch.equal(back.train_labels, IMAGES.train_labels)
    assert back.groups is not None
    assert torch.equal(back.groups, IMAGES.groups)
    assert (back.class_names, back.fingerprint) == (("cat", "dög"), "abc")
    assert back.test_withheld
    assert back.test_images.shape == (0, 1, 4, 4)
    assert back.test_labels.shape == (0,)


def test_texts_come_back_whatever_is_in_them(tmp_path: Path):
    back = there_and_back(TEXTS, tmp_path)
    assert isinstance(back, TextData)
    assert list(back.train_texts) == list(TEXTS.train_texts)
    assert torch.equal(back.train_labels, TEXTS.train_labels)
    assert back.groups is None
    assert back.test_withheld
    assert list(back.test_texts) == []


def test_some_examples_are_packed_with_their_labels_and_groups(tmp_path: Path):
    back = there_and_back(IMAGES, tmp_path, 1, 4, 5)
    assert isinstance(back, ImageData)
    assert back.train_images[:, 0, 0, 0].tolist() == [16, 64, 80]
    assert back.train_labels.tolist() == [1, 0, 1]
    assert back.groups is not None
    assert back.groups.tolist() == [5, 7, 7]


@pytest.mark.parametrize("data", [IMAGES, TEXTS], ids=["images", "texts"])
def test_nothing_of_the_test_part_is_packed(data: ImageData | TextData, tmp_path: Path):
    pack(data, tmp_path / "packed", np.arange(len(data.train_labels)), data.fingerprint)
    with zipfile.ZipFile(tmp_path / "packed") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    whole = b"".join(contents.values())
    assert b"schlecht" in whole or bytes(range(90, 96)) in whole  # the training part is
    assert b"withheld" not in whole
    assert bytes([201] * 16) not in whole
    labels = np.load(io.BytesIO(contents["labels.npy"]))
    assert labels.tolist() == data.train_labels.tolist()


def test_equal_data_are_equal_bytes_and_large_ones_are_packed_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    everything = np.arange(6)
    pack(IMAGES, tmp_path / "one", everything, "abc")
    monkeypatch.setattr(packing, "_CHUNK_BYTES", 40)  # two images
    pack(IMAGES, tmp_path / "two", everything, "abc")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_large_data_are_packed_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def compressions(path: Path) -> set[int]:
        pack(IMAGES, path, np.arange(6), "abc")
        return {each.compress_type for each in zipfile.ZipFile(path).infolist()}

    assert compressions(tmp_path / "small") == {zipfile.ZIP_LZMA}
    monkeypatch.setattr(packing, "_LZMA_UP_TO", 95)
    assert compressions(tmp_path / "large") == {zipfile.ZIP_DEFLATED}


def test_sizes_before_packing():
    assert unpacked_size(IMAGES) == 96
    assert unpacked_size(TEXTS) == 4 + 0 + 10 + 14 + 2


def test_what_is_no_packed_set_is_refused(tmp_path: Path):
    (tmp_path / "noise").write_bytes(b"noise")
    with pytest.raises(CorruptDataError, match="noise cannot be unpacked"):
        unpack(tmp_path / "noise", tmp_path)
    with zipfile.ZipFile(tmp_path / "other", "w") as archive:
        archive.writestr("../labels.npy", b"")
    with pytest.raises(CorruptDataError, match=r"other: expected only ends\.npy"):
        unpack(tmp_path / "other", tmp_path)
