"""What measuring health costs a training: the default CNN on MNIST, the default LSTM on IMDB.

Trainings with and without health take turns, in an order that changes with every pair, on the same
data and seeds; everything else (checkpoints, reports, early stopping) is the same in both. Where
the machine is shared, pairs differ by more than health costs; so the seconds that pass inside of
the monitor's own methods are added up too, which on a CPU, where nothing is deferred, is all.

Run: nox -s bench -- benchmarks/health_overhead.py --data-dir DIR [--pairs 5] [--epochs 2]
Expect: docs/health.md, "What it costs".
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext
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
    from collections.abc import Iterator

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


HOOKS = (
    "on_train_batch_end",
    "on_before_optimizer_step",
    "on_validation_start",
    "on_validation_batch_end",
    "epoch_report",
)


@contextmanager
def timed_hooks() -> Iterator[list[float]]:
    """Collect the seconds of every call of the monitor's methods."""
    seconds: list[float] = []

    def timed(method: Any) -> Any:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                seconds.append(time.perf_counter() - started)

        return call

    with ExitStack() as patches:
        for name in HOOKS:
            patches.enter_context(
                patch.object(HealthMonitor, name, timed(getattr(HealthMonitor, name)))
            )
        yield seconds


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
        without = patch.object(product._Trial, "_monitor", no_monitor)
        with timed_hooks() as hooks, nullcontext() if health else without:
            product.train_trial(job, events.append, threading.Event(), worker="benchmark")
    finished = events[-1]
    assert isinstance(finished, TrainingFinished)
    assert finished.outcome == "completed", finished.message
    epochs = [event.metrics for event in events if isinstance(event, EpochFinished)]
    return {
        "seconds": sum(epoch.seconds + epoch.health_seconds for epoch in epochs),
        "probe_seconds": sum(epoch.health_seconds for epoch in epochs),
        "hook_seconds": sum(hooks),
        "val_accuracy": epochs[-1].val_accuracy,
    }


def compare(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Train pairs; return the extra time of health by pair, in per cent, and its spread."""
    train(name, args, 0, health=True)  # warm up: data, kernels
    extra, inside, probes, plain_seconds = [], [], [], []
    for pair in range(args.pairs):
        order = (True, False) if pair % 2 else (False, True)
        runs = {health: train(name, args, pair, health=health) for health in order}
        assert runs[True]["val_accuracy"] == runs[False]["val_accuracy"], "health changed training"
        extra.append(100 * (runs[True]["seconds"] / runs[False]["seconds"] - 1))
        training = runs[True]["seconds"] - runs[True]["hook_seconds"]
        inside.append(100 * runs[True]["hook_seconds"] / training)
        probes.append(100 * runs[True]["probe_seconds"] / training)
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
        "inside_percent": [round(each, 2) for each in inside],
        "inside_percent_median": round(statistics.median(inside), 2),
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
