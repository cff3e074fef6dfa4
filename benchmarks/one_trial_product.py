"""A trial as hpo-torch's workers train it, in this process: a contender of one_trial.py."""

from __future__ import annotations

import tempfile
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from one_trial_data import SPLIT_SEED, loader_of, settings_of

from hpo_torch.config.schema import HealthSettings, TrainingSettings
from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.protocol.job import TrialJob
from hpo_torch.training.train_trial import train_trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from one_trial_task import Task

    from hpo_torch.protocol.events import BackendEvent


def train(task: Task) -> dict[str, Any]:
    """Train the trial; an epoch goes from one report to the next, whatever happens in it."""
    events: list[BackendEvent] = []
    marks: list[float] = []

    def hear(event: BackendEvent) -> None:
        events.append(event)
        if isinstance(event, TrialStarted | EpochFinished):
            marks.append(time.perf_counter())

    run_trial(task, hear)
    finished, started = events[-1], events[0]
    if not isinstance(finished, TrainingFinished) or finished.outcome != "completed":
        raise RuntimeError(f"the trial has not completed: {finished}")
    assert isinstance(started, TrialStarted)
    epochs = [event.metrics for event in events if isinstance(event, EpochFinished)]
    return {
        "epochs": [later - earlier for earlier, later in pairwise(marks)],
        "val_accuracy": epochs[-1].val_accuracy,
        "parameters": started.parameters,
        "training_seconds": [epoch.seconds for epoch in epochs],
        "health_seconds": [epoch.health_seconds for epoch in epochs],
    }


def run_trial(task: Task, hear: Callable[[BackendEvent], None]) -> None:
    """Train with health and with the training's state written after every epoch, as in a search."""
    torch.set_num_threads(task.threads)
    with tempfile.TemporaryDirectory(dir=task.folder) as folder:
        job = TrialJob(
            study="benchmark",
            trial=0,
            attempt="a",
            seed=task.seed,
            data=settings_of(task),
            split_seed=SPLIT_SEED,
            family=task.family,
            hyperparameters=task.hyperparameters,
            # Nothing may end it early: all contenders train as many epochs.
            training=TrainingSettings(patience=task.epochs, precision="32-true"),
            health=HealthSettings(stop=False),
            device="cpu",
            output_dir=folder,
        )
        train_trial(job, hear, threading.Event(), worker="benchmark", loader=loader_of(task))
