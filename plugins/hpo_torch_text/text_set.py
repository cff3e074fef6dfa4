"""A text set without torch, and what becomes of it: a fingerprint and `TextData`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import TextData

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Part:
    """The training or the test part of a set.

    Attributes:
        texts: N texts.
        labels: int64 [N], 0..num_classes-1.
    """

    texts: Sequence[str]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextSet:
    """Both parts and the names of the classes."""

    train: Part
    test: Part
    class_names: tuple[str, ...]


def text_data(texts: TextSet) -> TextData:
    """Turn labels into tensors and add the fingerprint."""
    import torch

    return TextData(
        train_texts=texts.train.texts,
        train_labels=torch.from_numpy(texts.train.labels),
        test_texts=texts.test.texts,
        test_labels=torch.from_numpy(texts.test.labels),
        class_names=texts.class_names,
        fingerprint=fingerprint(texts),
    )


def fingerprint(texts: TextSet) -> str:
    """Return the SHA-256 over class names, texts and labels: equal content, equal fingerprint."""
    digest = hashlib.sha256()
    for strings in (texts.class_names, texts.train.texts, texts.test.texts):
        digest.update(f"{len(strings)};".encode())
        for string in strings:
            # JSON can hold halves of surrogate pairs, which strict UTF-8 refuses.
            encoded = string.encode("utf-8", "surrogatepass")
            digest.update(f"{len(encoded)}:".encode())
            digest.update(encoded)
    for part in (texts.train, texts.test):
        digest.update(part.labels.astype("<i8").tobytes())
    return digest.hexdigest()
