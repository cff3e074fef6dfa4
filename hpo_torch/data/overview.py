"""What a data set looks like, in figures and a few examples; what its picture is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from hpo_torch.data.pixel_statistics import pixel_statistics
from hpo_torch.data.splits import stratified_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from hpo_torch.data.spec import ImageData, TextData

_SEED = 0  # which examples are shown
_MOST_CLASSES = 100
_SAMPLE_TEXTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """The training or the test part of an image set.

    Attributes:
        name: "training" or "test".
        class_counts: Examples by class.
        mean: By channel, of its pixels on a scale of 0..1.
        std: Likewise.
    """

    name: str
    class_counts: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOverview:
    """An image set.

    Attributes:
        class_names: One per class.
        shape: (channels, height, width).
        parts: Training and test.
        examples: For each class that is shown its number and a few training images, uint8
            [K, H, W, C].
    """

    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    parts: tuple[ImagePart, ...]
    examples: tuple[tuple[int, NDArray[np.uint8]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """The training or the test part of a text set.

    Attributes:
        name: "training" or "test".
        class_counts: Examples by class.
        lengths: int64 [N], words (separated by white space) of each text.
    """

    name: str
    class_counts: tuple[int, ...]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOverview:
    """A text set.

    Attributes:
        class_names: One per class.
        parts: Training and test.
        samples: (class name, training text) of a few.
    """

    class_names: tuple[str, ...]
    parts: tuple[TextPart, ...]
    samples: tuple[tuple[str, str], ...]


def image_overview(data: ImageData) -> ImageOverview:
    """Count, measure and pick: of at most 100 classes, the commonest, a few training images."""
    classes = len(data.class_names)
    _, channels, height, width = data.train_images.shape
    counts = torch.bincount(data.train_labels, minlength=classes)
    shown = counts.argsort(descending=True, stable=True)[:_MOST_CLASSES].sort().values
    generator = torch.Generator().manual_seed(_SEED)
    return ImageOverview(
        class_names=data.class_names,
        shape=(channels, height, width),
        parts=(
            _image_part("training", data.train_images, data.train_labels, classes),
            _image_part("test", data.test_images, data.test_labels, classes),
        ),
        examples=tuple(
            (label, _some(data, label, examples_per_class(classes), generator))
            for label in shown.tolist()
        ),
    )


def examples_per_class(classes: int) -> int:
    """Return how many images of each class make a picture that is still easy to look at."""
    if classes <= len("0123456789ab"):
        return 8
    return 4 if classes <= _MOST_CLASSES // 2 else 3


def text_overview(data: TextData) -> TextOverview:
    """Count and measure, and pick a few training texts of as many classes."""
    classes = len(data.class_names)
    chosen = stratified_sample(data.train_labels, len(data.train_labels), _SEED).tolist()
    by_class: dict[int, int] = {}
    for position in chosen:
        by_class.setdefault(int(data.train_labels[position]), position)
        if len(by_class) == _SAMPLE_TEXTS:
            break
    more = [position for position in chosen if position not in by_class.values()]
    picked = [*by_class.values(), *more][:_SAMPLE_TEXTS]
    return TextOverview(
        class_names=data.class_names,
        parts=(
            _text_part("training", data.train_texts, data.train_labels, classes),
            _text_part("test", data.test_texts, data.test_labels, classes),
        ),
        samples=tuple(
            (data.class_names[int(data.train_labels[position])], data.train_texts[position])
            for position in picked
        ),
    )


def _image_part(name: str, images: Tensor, labels: Tensor, classes: int) -> ImagePart:
    mean, std = pixel_statistics(images)
    counts = torch.bincount(labels, minlength=classes).tolist()
    return ImagePart(name=name, class_counts=tuple(counts), mean=mean, std=std)


def _some(
    data: ImageData, label: int, wanted: int, generator: torch.Generator
) -> NDArray[np.uint8]:
    positions = (data.train_labels == label).nonzero().flatten()
    order = torch.randperm(len(positions), generator=generator)
    images = data.train_images.index_select(0, positions[order[:wanted]])
    pixels: NDArray[np.uint8] = images.permute(0, 2, 3, 1).numpy()
    return pixels


def _text_part(name: str, texts: Sequence[str], labels: Tensor, classes: int) -> TextPart:
    return TextPart(
        name=name,
        class_counts=tuple(torch.bincount(labels, minlength=classes).tolist()),
        lengths=np.array([len(text.split()) for text in texts], dtype=np.int64),
    )
