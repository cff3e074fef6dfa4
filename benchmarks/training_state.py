"""Size of a trial's training state, and milliseconds to write it after an epoch.

Run: nox -s bench -- benchmarks/training_state.py
Expect: 0.5 MB in 5 to 8 ms for the CNN on digits, 9 MB in 20 to 30 ms for the LSTM (2 cores, busy).
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from lightning.pytorch import Callback, Trainer
from torch.utils.data import DataLoader

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.families import search_space
from hpo_torch.training.checkpoint_io import AtomicCheckpointIO
from hpo_torch.training.checkpoints import STATE_FILE, StateFile
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import quiet_lightning, train_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCHS = 10


@contextmanager
def timed_writes() -> Iterator[list[float]]:
    """Collect the seconds of every write of a state."""
    seconds: list[float] = []
    write = StateFile.write

    def timed(state: StateFile, trainer: Trainer, events: list[Any]) -> None:
        started = time.perf_counter()
        write(state, trainer, events)
        seconds.append(time.perf_counter() - started)

    with patch.object(StateFile, "write", timed):
        yield seconds


def job(family: str, shape: tuple[int, ...], examples: int, folder: str) -> TrialJob:
    """Return a trial of the family's default configuration."""
    values = search_space(family, shape, examples, EPOCHS, EPOCHS).defaults({})
    return TrialJob(
        study="benchmark",
        trial=0,
        attempt="a",
        seed=0,
        data=DataSettings(),
        split_seed=0,
        family=family,
        hyperparameters=values,
        training=TrainingSettings(precision="32-true", patience=EPOCHS),
        health=HealthSettings(),
        device="cpu",
        output_dir=folder,
    )


def train_digits(folder: str) -> float:
    """Train a real trial; return its seconds."""
    started = time.perf_counter()
    digits = job("cnn", (1, 8, 8), 1150, folder)
    train_trial(digits, lambda _: None, threading.Event(), worker="benchmark")
    return time.perf_counter() - started


class WriteEachEpoch(Callback):
    """What the reporter does at an epoch's end, without its measurements."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        """Write the state."""
        self._state.write(trainer, [])


def train_lstm(folder: str) -> float:
    """Train a network of IMDB's size on two batches an epoch; return its seconds."""
    words = 10_000
    lstm = job("lstm", (30_000,), 20_000, folder)
    spec = {"kind": "text", "shape": [30_000], "tokens": [f"word{n}" for n in range(words)]}
    module = Classifier("lstm", lstm.hyperparameters, spec, ["neg", "pos"])
    batch = torch.randint(1, words, (64, 50)), torch.arange(64) % 2
    state = StateFile(lstm, "benchmark", torch.device("cpu"))
    trainer = Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=[state, WriteEachEpoch(state)],
        plugins=[AtomicCheckpointIO()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    started = time.perf_counter()
    training, validation = (DataLoader([batch] * n, batch_size=None) for n in (2, 1))
    with quiet_lightning():
        trainer.fit(module, training, validation)
    return time.perf_counter() - started


def main() -> None:
    """Print one JSON line a network."""
    for name, train in (("cnn on digits", train_digits), ("lstm of imdb's size", train_lstm)):
        with tempfile.TemporaryDirectory() as folder, timed_writes() as writes:
            seconds = train(folder)
            size = Path(folder, STATE_FILE).stat().st_size
        print(
            json.dumps(
                {
                    "network": name,
                    "megabytes": round(size / 1e6, 2),
                    "write_ms": round(1e3 * statistics.median(writes), 1),
                    "writes": len(writes),
                    "trial_seconds": round(seconds, 2),
                }
            )
        )


if __name__ == "__main__":
    main()
