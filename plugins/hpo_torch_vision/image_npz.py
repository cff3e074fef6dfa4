"""Images and labels in one .npz file, the form of a subset."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import CorruptDataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_DAMAGED = OSError, EOFError, zipfile.BadZipFile, zlib.error


def read_image_npz(
    path: Path, shape: tuple[int, int, int], num_classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read arrays `images`, uint8 [N, H, W, C], and `labels`, integers [N].

    Args:
        path: The file.
        shape: (channels, height, width) that the images must have.
        num_classes: Labels must be 0..num_classes-1.

    Returns:
        uint8 [N, C, H, W] and int64 [N].

    Raises:
        CorruptDataError: It is not such a file.
    """
    try:
        # Opened here: np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            images, labels = content["images"], content["labels"]
        _check(images, labels, shape, num_classes)
    except (*_DAMAGED, KeyError, TypeError, ValueError) as error:
        raise CorruptDataError(
            f"{path}: expected images and labels in an .npz file, got: {error}"
        ) from error
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels.astype(np.int64)


def _check(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    shape: tuple[int, int, int],
    num_classes: int,
) -> None:
    channels, height, width = shape
    if images.dtype != np.uint8 or images.shape[1:] != (height, width, channels):
        raise ValueError(
            f"images {images.dtype} {list(images.shape)} instead of uint8 "
            f"[N, {height}, {width}, {channels}]"
        )
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),) or not len(labels):
        raise ValueError(f"labels {labels.dtype} {list(labels.shape)} for {len(images)} images")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"labels {labels.min()}..{labels.max()} instead of 0..{num_classes - 1}")
