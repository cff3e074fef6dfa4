"""Small data of a user's own, and jobs that train on them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.job import TrialJob

TEST_WORD = "withheldword"
CNN: dict[str, Any] = {
    "batch_size": 8,
    "augment_flip": False,
    "augment_shift": 1,
    "augment_crop": False,
    "augment_affine": 0.0,
    "augment_cutout": 0,
    "augment_colour": 0.0,
    "augment_channels": False,
}
LSTM: dict[str, Any] = {"batch_size": 8, "vocab_size": 60, "sequence_length": 12}


def write_images(folder: Path, per_class: int = 20, side: int = 8) -> Path:
    """Write two classes of noise, with a test part of plain grey images."""
    from PIL import Image

    generator = np.random.default_rng(0)
    for name, level in (("dark", 0), ("light", 128)):
        for part in ("train", "test"):
            (folder / part / name).mkdir(parents=True)
        for number in range(per_class):
            pixels = generator.integers(level, level + 128, (side, side), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "train" / name / f"{number}.png")
        for number in range(5):
            grey = np.full((side, side), 77, np.uint8)
            Image.fromarray(grey).save(folder / "test" / name / f"{number}.png")
    return folder


def write_texts(path: Path, rows: int = 60) -> Path:
    """Write a CSV file of two classes; every text of its test part has `TEST_WORD`."""
    generator = np.random.default_rng(0)
    words = [f"word{number}" for number in range(50)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label", "split"])
        for number in range(rows):
            name = ("good", "bad")[number % 2]
            text = " ".join([name, *generator.choice(words, 10)])
            is_test = number % 6 == 5 or number % 6 == 2
            table.writerow(
                [f"{text} {TEST_WORD}" if is_test else text, name, "test" if is_test else "train"]
            )
    return path


def own_job(dataset: str, path: Path, **data: Any) -> TrialJob:
    """Return a job on the user's own data."""
    from hpo_torch.config.schema import DataSettings
    from hpo_torch.testing.fake_training import fake_job

    settings = DataSettings(dataset=dataset, path=str(path), **data)
    return fake_job(0).model_copy(update={"data": settings})
