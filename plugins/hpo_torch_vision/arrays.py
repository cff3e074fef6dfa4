"""From numpy arrays to `ImageData`, fingerprint included."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo_torch.plugin_api import ImageData

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Images = NDArray[np.uint8]
    Labels = NDArray[np.int64]

_GREY = 3  # dimensions of images without an axis of channels


def image_data(
    train: tuple[Images, Labels],
    test: tuple[Images, Labels],
    class_names: tuple[str, ...],
    groups: Labels | None = None,
) -> ImageData:
    """Make a set of images; arrays that are memory-mapped stay so.

    Args:
        train: uint8 [N, H, W] or [N, C, H, W], and int64 [N].
        test: Likewise, of M examples.
        class_names: One per class.
        groups: int64 [N]; examples of one group stay on one side of the validation split.
    """
    import torch

    def tensor(images: Images) -> Tensor:
        whole = torch.from_numpy(images)
        return whole.unsqueeze(1) if images.ndim == _GREY else whole

    return ImageData(
        train_images=tensor(train[0]),
        train_labels=torch.from_numpy(train[1]),
        test_images=tensor(test[0]),
        test_labels=torch.from_numpy(test[1]),
        class_names=class_names,
        groups=None if groups is None else torch.from_numpy(groups),
        fingerprint=fingerprint(*train, *test, *(() if groups is None else (groups,))),
    )


def fingerprint(*arrays: NDArray[Any]) -> str:
    """Return the SHA-256 over types, shapes and bytes: equal arrays, equal fingerprint."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
