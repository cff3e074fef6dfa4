"""Examples of the test set as people see them: pixels or texts, before they became inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hpo_torch.data.datamodule import PreparedImages
from hpo_torch.data.requests import data_request
from hpo_torch.data.spec import TextData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.prepared import PreparedData
    from hpo_torch.data.spec import DatasetLoader


def original_images(prepared: PreparedData, positions: Sequence[int]) -> Tensor | None:
    """Return images of the test set.

    Args:
        prepared: The set.
        positions: Of K examples in the test set.

    Returns:
        uint8 [K, H, W, C] on the CPU; None where the set has no images.
    """
    if not isinstance(prepared, PreparedImages):
        return None
    pixels = prepared.test.originals(torch.tensor(positions, dtype=torch.int64))
    return pixels.permute(0, 2, 3, 1)


def original_texts(
    loader: DatasetLoader, settings: DataSettings, positions: Sequence[int]
) -> list[str]:
    """Return texts of the test set, read again: prepared sets keep token ids only.

    Raises:
        DataError: Files are missing or damaged by now.
    """
    if not positions:
        return []
    texts = all_test_texts(loader, settings)
    return [texts[position] for position in positions]


def all_test_texts(loader: DatasetLoader, settings: DataSettings) -> Sequence[str]:
    """Return every text of the test set; see `original_texts`."""
    data = loader.load(data_request(settings))
    if not isinstance(data, TextData):
        raise TypeError(f"expected a set of texts, got {type(data).__name__}")
    return data.test_texts
