"""Damage to test examples, in families and three severities, for health_helps.py.

Made anew after MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337) and CIFAR-10-C (Hendrycks & Dietterich
2019, arXiv 1903.12261). `SEEN` are families that the metric `robustness` also damages validation
examples with, if more mildly; the others are held out. Distant relatives remain: impulse and the
probe's normal noise, and an augmented training sees turned or blanked images, if it is drawn so.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from scipy import ndimage  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    Pixels = NDArray[np.float64]
    Ids = NDArray[np.int64]

SEVERITIES = 3
PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2
_WHITE = 255.0


def blur(images: Pixels, severity: int, generator: np.random.Generator) -> Pixels:
    """Blur with a Gaussian; its width grows with the root of the image's side."""
    sigma = (0.5, 0.75, 1.0)[severity] * (images.shape[-1] / 8) ** 0.5
    blurred: Pixels = ndimage.gaussian_filter(images, (0, 0, sigma, sigma), mode="nearest")
    return blurred


def contrast(images: Pixels, severity: int, generator: np.random.Generator) -> Pixels:
    """Bring every pixel nearer to its image's mean."""
    mean = images.mean((1, 2, 3), keepdims=True)
    flatter: Pixels = mean + (0.4, 0.25, 0.15)[severity] * (images - mean)
    return flatter


def rotation(images: Pixels, severity: int, generator: np.random.Generator) -> Pixels:
    """Turn each image by 15, 30 or 45 degrees, half of them to the left."""
    angle = (15.0, 30.0, 45.0)[severity]
    signs = generator.choice((-1.0, 1.0), len(images))
    turned = np.empty_like(images)
    for sign in (-1.0, 1.0):
        chosen = signs == sign
        turned[chosen] = ndimage.rotate(
            images[chosen], sign * angle, axes=(2, 3), reshape=False, order=1, mode="nearest"
        )
    return turned


def occlusion(images: Pixels, severity: int, generator: np.random.Generator) -> Pixels:
    """Put a grey square of 1/4, 3/8 or 1/2 of the side anywhere onto each image."""
    height, width = images.shape[2:]
    side = round((1 / 4, 3 / 8, 1 / 2)[severity] * min(height, width))
    covered = images.copy()
    for image in covered:
        top, left = generator.integers(height - side + 1), generator.integers(width - side + 1)
        image[:, top : top + side, left : left + side] = _WHITE / 2
    return covered


def stripe(images: Pixels, severity: int, generator: np.random.Generator) -> Pixels:
    """Invert a band of 1/8, 1/4 or 3/8 of each image's columns."""
    width = images.shape[3]
    wide = max(1, round((1 / 8, 1 / 4, 3 / 8)[severity] * width))
    striped = images.copy()
    for image in striped:
        left = generator.integers(width - wide + 1)
        image[:, :, left : left + wide] = _WHITE - image[:, :, left : left + wide]
    return striped


def impulse(images: Pixels, severity: int, generator: np.random.Generator) -> Pixels:
    """Make 5, 10 or 20 % of the pixels black or white."""
    hit = generator.random(images.shape) < (0.05, 0.1, 0.2)[severity]
    return np.where(hit, _WHITE * generator.integers(2, size=images.shape), images)


def drop(text: Ids, severity: int, generator: np.random.Generator, vocabulary: int) -> Ids:
    """Leave out 20, 30 or 40 % of the tokens; one stays."""
    kept = generator.random(len(text)) >= (0.2, 0.3, 0.4)[severity]
    return text[kept] if kept.any() else text[:1]


def unknown(text: Ids, severity: int, generator: np.random.Generator, vocabulary: int) -> Ids:
    """Replace 20, 30 or 40 % of the tokens by the one for unknown words."""
    hit = generator.random(len(text)) < (0.2, 0.3, 0.4)[severity]
    return np.where(hit, UNKNOWN, text)


def substitute(text: Ids, severity: int, generator: np.random.Generator, vocabulary: int) -> Ids:
    """Replace 10, 20 or 30 % of the tokens by any other word."""
    hit = generator.random(len(text)) < (0.1, 0.2, 0.3)[severity]
    return np.where(hit, generator.integers(FIRST_WORD, vocabulary, len(text)), text)


def swap(text: Ids, severity: int, generator: np.random.Generator, vocabulary: int) -> Ids:
    """Shuffle the tokens within windows of 4, 8 or 16."""
    window = (4, 8, 16)[severity]
    parts = [text[start : start + window] for start in range(0, len(text), window)]
    return np.concatenate([generator.permutation(part) for part in parts])


def truncate(text: Ids, severity: int, generator: np.random.Generator, vocabulary: int) -> Ids:
    """Keep only the first 70, 50 or 30 % of the tokens, at least one."""
    return text[: max(1, round((0.7, 0.5, 0.3)[severity] * len(text)))]


OF_IMAGES: Final[Mapping[str, Callable[[Pixels, int, np.random.Generator], Pixels]]] = {
    each.__name__: each for each in (blur, contrast, rotation, occlusion, stripe, impulse)
}
OF_TEXTS: Final[Mapping[str, Callable[[Ids, int, np.random.Generator, int], Ids]]] = {
    each.__name__: each for each in (drop, unknown, substitute, swap, truncate)
}
SEEN: Final = frozenset({"blur", "contrast", "drop", "unknown"})


def corrupted_images(images: Tensor) -> dict[str, list[Tensor]]:
    """Damage images in every way; the same every time.

    Args:
        images: uint8 [N, C, H, W].

    Returns:
        By family, one uint8 [N, C, H, W] a severity, mildest first.
    """
    pixels = images.numpy().astype(np.float64)

    def damage(family: str, severity: int) -> Tensor:
        damaged = OF_IMAGES[family](pixels, severity, _generator(family))
        return torch.from_numpy(np.clip(np.rint(damaged), 0, _WHITE).astype(np.uint8))

    return {family: [damage(family, each) for each in range(SEVERITIES)] for family in OF_IMAGES}


def corrupted_texts(ids: Tensor, vocabulary: int) -> dict[str, list[Tensor]]:
    """Damage texts in every way; the same every time.

    Args:
        ids: int64 [N, T] token ids, 0 after a text's end.
        vocabulary: Number of known tokens; ids are below it.

    Returns:
        By family, one int64 [N, T] a severity, mildest first.
    """
    texts = [row[row != PADDING] for row in ids.numpy()]

    def damage(family: str, severity: int) -> Tensor:
        generator = _generator(family)
        damaged = np.full(tuple(ids.shape), PADDING)
        for row, text in zip(damaged, texts, strict=True):
            changed = OF_TEXTS[family](text, severity, generator, vocabulary)
            row[: len(changed)] = changed
        return torch.from_numpy(damaged)

    return {family: [damage(family, each) for each in range(SEVERITIES)] for family in OF_TEXTS}


def _generator(family: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(family.encode()))
