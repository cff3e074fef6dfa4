"""Resident memory of a worker process over 200 real trials on the data set digits, one by one.

Run: nox -s bench -- benchmarks/worker_memory.py
     .nox/dev/bin/python benchmarks/worker_memory.py 40     (another number of trials)
Expect: no growth. Memory is taken after every tenth trial; from the third reading on (before that,
code is loaded and caches fill) the last is within 10 % of the first. Hyperparameters are drawn at
random, so every trial is another network, of one or two epochs.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import optuna
import psutil

from hpo_torch.config.schema import (
    DataSettings,
    ExecutionSettings,
    HealthSettings,
    TrainingSettings,
)
from hpo_torch.execution.backend import RunSite
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.families import search_space
from hpo_torch_local.processes import LocalBackend

TRIALS, EVERY, SKIPPED_READINGS = 200, 10, 2
IMAGE, TRAIN_SIZE = (1, 8, 8), 1150  # digits, less what validates
MEGABYTE = 1e6


def main(trials: int) -> None:
    """Train, read the memory, and print first, last and slope."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space = search_space("cnn", IMAGE, TRAIN_SIZE, 1, 2)
    backend = LocalBackend(ExecutionSettings(device="cpu"))
    backend.start(RunSite(folder=Path(), warn=print))
    readings: list[float] = []
    try:
        for number in range(trials):
            train(backend, job_of(number, space.sample(study.ask(), {})))
            if (number + 1) % EVERY == 0:
                readings.append(worker().memory_info().rss / MEGABYTE)
                print(f"after {number + 1} trials: {readings[-1]:.1f} MB", flush=True)
    finally:
        backend.close()
    report(readings[SKIPPED_READINGS:])


def job_of(number: int, hyperparameters: dict[str, object]) -> TrialJob:
    """Return the job of one trial, which leaves no files."""
    return TrialJob(
        study="worker_memory",
        trial=number,
        attempt=str(number),
        seed=number,
        data=DataSettings(),
        split_seed=0,
        family="cnn",
        hyperparameters=hyperparameters,
        training=TrainingSettings(),
        health=HealthSettings(),
        device="cpu",
    )


def train(backend: LocalBackend, job: TrialJob) -> None:
    """Train one trial to its end, which must not be a failure but of its own numbers."""
    backend.submit(job)
    while True:
        for event in backend.poll(1.0):
            if isinstance(event, TrainingFinished):
                if event.outcome != "completed" and event.failure_kind != "diverged":
                    raise RuntimeError(f"trial {job.trial}: {event.message}\n{event.traceback}")
                return


def worker() -> psutil.Process:
    """Return the worker; the other child of this process is multiprocessing's resource tracker."""
    children = psutil.Process().children()
    return max(children, key=lambda child: child.memory_info().rss)


def report(readings: list[float]) -> None:
    """Print what the readings say."""
    trials = [EVERY * (SKIPPED_READINGS + 1 + index) for index in range(len(readings))]
    slope = statistics.linear_regression(trials, readings).slope
    first, last = readings[0], readings[-1]
    print(
        json.dumps(
            {
                "first_mb": round(first, 1),
                "last_mb": round(last, 1),
                "growth_percent": round(100 * (last / first - 1), 2),
                "mb_per_trial": round(slope, 4),
                "from_trial": trials[0],
                "to_trial": trials[-1],
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS)
