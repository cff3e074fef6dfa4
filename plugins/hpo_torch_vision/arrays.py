"""From numpy arrays to `ImageData`, fingerprint included."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import ImageData

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    Labels = NDArray[np.int64]


def image_data(
    train: tuple[Images, Labels], test: tuple[Images, Labels], class_names: tuple[str, ...]
) -> ImageData:
    """Make a set of grey images.

    Args:
        train: uint8 [N, H, W] and int64 [N].
        test: uint8 [M, H, W] and int64 [M].
        class_names: One per class.
    """
    import torch

    return ImageData(
        train_images=torch.from_numpy(train[0]).unsqueeze(1),
        train_labels=torch.from_numpy(train[1]),
        test_images=torch.from_numpy(test[0]).unsqueeze(1),
        test_labels=torch.from_numpy(test[1]),
        class_names=class_names,
        fingerprint=fingerprint(*train, *test),
    )


def fingerprint(*arrays: NDArray[Any]) -> str:
    """Return the SHA-256 over types, shapes and bytes: equal arrays, equal fingerprint."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
