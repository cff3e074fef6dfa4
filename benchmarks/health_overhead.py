"""What measuring health costs a training: the default CNN on MNIST, the default LSTM on IMDB.

Trainings with and without health take turns, in an order that changes with every pair, on the same
data and seeds; everything else (checkpoints, reports, early stopping) is the same in both.

Run: nox -s bench -- benchmarks/health_overhead.py --data-dir DIR [--pairs 5] [--epochs 2]
Expect: docs/health.md, "What it costs".
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.health.monitor import HealthMonitor
from hpo_torch.protocol.events import EpochFinished, TrainingFinished
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.families import search_space
from hpo_torch.training import train_trial as product

if TYPE_CHECKING:
    from hpo_torch.data.prepared import PreparedData
    from hpo_torch.protocol.events import BackendEvent

NETWORKS = {
    "mnist": ("cnn", (1, 28, 28), 60_000),
    "imdb": ("lstm", (30_000,), 25_000),
}


class NoHealth(HealthMonitor):
    """A monitor that neither records nor looks."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Keep nothing."""

    def on_before_optimizer_step(self, *_: Any) -> None:
        """Keep nothing."""

    def on_validation_batch_end(self, *_: Any) -> None:
        """Keep nothing."""


def no_monitor(trial: product._Trial, _prepared: PreparedData) -> HealthMonitor:
    """Stand in for `_Trial._monitor`."""
    nothing = torch.zeros(0, 1), torch.zeros(0, dtype=torch.int64)
    baseline = product.Baseline(accuracy=0.0, parameters=1)
    return NoHealth({}, trial.job.health, {}, nothing, baseline, seed=0)


def train(name: str, args: argparse.Namespace, seed: int, *, health: bool) -> dict[str, float]:
    """Train once; return seconds of its epochs, health's included, and the accuracy."""
    family, shape, examples = NETWORKS[name]
    values = search_space(family, shape, examples, args.epochs, args.epochs).defaults({})
    events: list[BackendEvent] = []
    with tempfile.TemporaryDirectory() as folder:
        job = TrialJob(
            study="benchmark",
            trial=0,
            attempt="a",
            seed=seed,
            data=DataSettings(dataset=name, dir=args.data_dir, download=False),
            split_seed=0,
            family=family,
            hyperparameters=values,
            training=TrainingSettings(patience=args.epochs),
            health=HealthSettings(),
            device=args.device,
            output_dir=folder,
        )
        if health:
            product.train_trial(job, events.append, threading.Event(), worker="benchmark")
        else:
            with patch.object(product._Trial, "_monitor", no_monitor):
                product.train_trial(job, events.append, threading.Event(), worker="benchmark")
    finished = events[-1]
    assert isinstance(finished, TrainingFinished)
    assert finished.outcome == "completed", finished.message
    epochs = [event.metrics for event in events if isinstance(event, EpochFinished)]
    return {
        "seconds": sum(epoch.seconds + epoch.health_seconds for epoch in epochs),
        "probe_seconds": sum(epoch.health_seconds for epoch in epochs),
        "val_accuracy": epochs[-1].val_accuracy,
    }


def compare(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Train pairs; return the extra time of health by pair, in per cent, and its spread."""
    train(name, args, 0, health=True)  # warm up: data, kernels
    extra, probes, plain_seconds = [], [], []
    for pair in range(args.pairs):
        order = (True, False) if pair % 2 else (False, True)
        runs = {health: train(name, args, pair, health=health) for health in order}
        assert runs[True]["val_accuracy"] == runs[False]["val_accuracy"], "health changed training"
        extra.append(100 * (runs[True]["seconds"] / runs[False]["seconds"] - 1))
        probes.append(100 * runs[True]["probe_seconds"] / runs[False]["seconds"])
        plain_seconds.append(runs[False]["seconds"])
    return {
        "dataset": name,
        "pairs": args.pairs,
        "epochs": args.epochs,
        "threads": torch.get_num_threads(),
        "seconds_without": round(statistics.median(plain_seconds), 2),
        "extra_percent": [round(each, 2) for each in extra],
        "extra_percent_median": round(statistics.median(extra), 2),
        "extra_percent_mean": round(statistics.mean(extra), 2),
        "of_that_probes_percent": round(statistics.median(probes), 2),
    }


def main() -> None:
    """Print one JSON line a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder of data files")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=NETWORKS)
    args = parser.parse_args()
    for name in [args.only] if args.only else NETWORKS:
        print(json.dumps(compare(name, args)), flush=True)


if __name__ == "__main__":
    main()
