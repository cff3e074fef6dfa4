"""What a contender of search_efficiency.py is asked for, and the log that it writes.

This runs in every contender's environment, so it needs the standard library and numpy only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MANY = 10_000  # trials: more than can be trained meanwhile


@dataclass(frozen=True, kw_only=True)
class Task:
    """One search; it goes on until it is ended from outside.

    Attributes:
        data: .npz file of the training and the validation part.
        log: File to which `tell` appends.
        folder: For whatever the contender keeps.
        seed: Of everything random.
        epochs: The most of a trial.
        patience: Epochs without a rise of the validation accuracy that end a trial.
        started: When the process was started, seconds since 1970.
        first: The configuration to begin with; None: the contender's own choice.
        cores_per_trial: Of contenders that run several trials at once.
        trials: The most.
    """

    data: str
    log: str
    folder: str
    seed: int
    epochs: int
    patience: int
    started: float
    first: dict[str, Any] | None = None
    cores_per_trial: int = 1
    trials: int = MANY

    def to_text(self) -> str:
        """Return what `from_command_line` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_command_line(cls) -> Task:
        """Read the process's one argument."""
        return cls(**json.loads(sys.argv[1]))

    def tell(self, trial: int | str, epoch: int, val_accuracy: float) -> None:
        """Note the end of an epoch, from whichever process of the contender.

        Args:
            trial: Number or name.
            epoch: From 1.
            val_accuracy: Of the whole validation part, 0..1.
        """
        line = {
            "seconds": round(time.time() - self.started, 3),
            "trial": str(trial),
            "epoch": epoch,
            "val_accuracy": val_accuracy,
        }
        # One write at the end of the file: trials that run side by side share it.
        file = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, f"{json.dumps(line)}\n".encode())
        finally:
            os.close(file)


@dataclass(frozen=True)
class Parts:
    """Both parts, images normalised by the training part's mean and deviation of each channel.

    Attributes:
        train_images: float32 [T, C, H, W].
        train_labels: int64 [T].
        val_images: float32 [V, C, H, W].
        val_labels: int64 [V].
        num_classes: How many there are.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    val_images: NDArray[np.float32]
    val_labels: NDArray[np.int64]
    num_classes: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width


def read_parts(path: Path) -> Parts:
    """Read what `efficiency_product.write_parts` wrote, and normalise it."""
    with np.load(path) as file:
        mean, std = (file[name].reshape(1, -1, 1, 1) for name in ("mean", "std"))

        def normalised(name: str) -> NDArray[np.float32]:
            images: NDArray[np.float32] = (file[name].astype(np.float32) / 255 - mean) / std
            return images

        return Parts(
            normalised("train_images"),
            file["train_labels"],
            normalised("val_images"),
            file["val_labels"],
            int(file["classes"]),
        )
