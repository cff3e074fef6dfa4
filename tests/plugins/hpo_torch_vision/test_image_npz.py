from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hpo_torch.plugin_api import CorruptDataError
from hpo_torch_vision.image_npz import read_image_npz

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
LABELS = np.array([1, 0], np.uint8)


def save(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "subset.npz", **arrays)
    return folder / "subset.npz"


def test_read_image_npz_puts_channels_first(tmp_path: Path):
    images, labels = read_image_npz(
        save(tmp_path, images=IMAGES, labels=LABELS), (3, 4, 4), num_classes=2
    )
    np.testing.assert_array_equal(images, np.moveaxis(IMAGES, 3, 1))
    assert labels.tolist() == [1, 0]
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES}, "labels"),
        ({"images": IMAGES.astype(float), "labels": LABELS}, r"images float64 \[2, 4, 4, 3\]"),
        ({"images": IMAGES[:, :2], "labels": LABELS}, r"instead of uint8 \[N, 4, 4, 3\]"),
        ({"images": IMAGES, "labels": LABELS[:1]}, r"labels uint8 \[1\] for 2 images"),
        ({"images": IMAGES, "labels": LABELS / 2}, r"labels float64 \[2\]"),
        ({"images": IMAGES, "labels": LABELS + 1}, r"labels 1\.\.2 instead of 0\.\.1"),
        ({"images": IMAGES, "labels": np.array([None, 1])}, "allow_pickle"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "for 0 images"),
    ],
    ids=["missing", "type", "shape", "count", "floats", "range", "objects", "empty"],
)
def test_read_image_npz_says_what_is_wrong(tmp_path: Path, arrays: dict[str, Any], message: str):
    with pytest.raises(CorruptDataError, match=rf"subset\.npz: expected.*{message}"):
        read_image_npz(save(tmp_path, **arrays), (3, 4, 4), num_classes=2)


@pytest.mark.parametrize("content", [b"", b"no zip at all", None])
def test_read_image_npz_names_a_damaged_file(tmp_path: Path, content: bytes | None):
    path = save(tmp_path, images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    with pytest.raises(CorruptDataError, match=r"subset\.npz: expected images and labels"):
        read_image_npz(path, (3, 4, 4), num_classes=2)
