"""A data set that needs no files: shapes drawn from a fixed seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import ImageData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest

NAMES = ("disc", "square", "cross")
SIDE = 16
TRAIN, TEST = 600, 150


class Shapes:
    """Discs, squares and crosses of varying place, size and brightness, in noise."""

    def prepare(self, request: DataRequest) -> None:
        """Nothing to fetch: the images are drawn when they are loaded."""

    def load(self, request: DataRequest) -> ImageData:
        """Draw all images; always the same ones."""
        import torch

        images, labels = draw_set(np.random.default_rng(0), TRAIN + TEST)
        pixels = torch.from_numpy(images)
        classes = torch.from_numpy(labels)
        return ImageData(
            train_images=pixels[:TRAIN],
            train_labels=classes[:TRAIN],
            test_images=pixels[TRAIN:],
            test_labels=classes[TRAIN:],
            class_names=NAMES,
            fingerprint=hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest(),
        )


SHAPES = Shapes()


def draw_set(rng: np.random.Generator, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw noisy images, uint8 [count, 1, 16, 16], and their labels, the classes in turn."""
    labels = np.arange(count) % len(NAMES)
    images = np.empty((count, 1, SIDE, SIDE), dtype=np.uint8)
    for index, label in enumerate(labels):
        row, column = rng.uniform(5.0, 10.0, size=2)
        ink = draw(NAMES[label], (row, column), rng.uniform(3.0, 5.0)) * rng.uniform(120.0, 220.0)
        images[index, 0] = np.clip(ink + rng.normal(20.0, 15.0, ink.shape), 0.0, 255.0)
    return images, labels.astype(np.int64)


def draw(name: str, center: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    """Return which of the 16 x 16 pixels a shape covers."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down, right = np.abs(rows - center[0]), np.abs(columns - center[1])
    covered: dict[str, NDArray[np.bool_]] = {
        "disc": down**2 + right**2 <= radius**2,
        "square": np.maximum(down, right) <= radius,
        "cross": (np.minimum(down, right) <= radius / 4) & (np.maximum(down, right) <= radius),
    }
    return covered[name]
