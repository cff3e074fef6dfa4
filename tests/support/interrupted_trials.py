"""Trials that are interrupted, gone on with, and compared with uninterrupted ones, bit for bit."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from hpo_torch.training.train_trial import train_trial

EPOCHS = 4
CNN = {
    "epochs": EPOCHS,
    "optimizer": "sgd",
    "momentum": 0.9,
    "learning_rate": 0.01,
    "schedule": "one_cycle",
    "dropout": 0.4,
    "augment_shift": 1,
    "augment_colour": 0.2,
}
LSTM = {"epochs": EPOCHS, "optimizer": "adamw", "learning_rate": 0.003, "schedule": "cosine"}


class Crash(BaseException):
    """What no trial catches: the worker dies."""


def in_folder(job, folder, **changes):
    return job.model_copy(update={"output_dir": str(folder), **changes})


def train(job):
    events = []
    train_trial(job, events.append, threading.Event(), worker="w")
    assert events[-1].outcome == "completed", events[-1].traceback
    return events


def crash_after(job, epoch):
    """Train until the study would have been told of an epoch."""

    def emit(event):
        if event.kind == "epoch_finished" and event.metrics.epoch == epoch:
            raise Crash

    with pytest.raises(Crash):
        train_trial(job, emit, threading.Event(), worker="w")


def stop_after(job, epoch):
    """Train until the study, told of an epoch, asks for the trial to stop."""
    stop, events = threading.Event(), []

    def emit(event):
        events.append(event)
        if event.kind == "epoch_finished" and event.metrics.epoch == epoch:
            stop.set()

    train_trial(job, emit, stop, worker="w")
    assert events[-1].outcome == ("completed" if epoch == EPOCHS else "stopped")


def of_epochs(events):
    """Return all that epochs tell but the time they took."""
    told = []
    for event in events:
        if event.kind == "epoch_finished":
            dumped = event.model_dump(mode="json", exclude={"attempt", "time"})
            for timed in (dumped["metrics"], dumped["so_far"]):
                for name in ("seconds", "health_seconds", "training_seconds"):
                    timed.pop(name, None)
            told.append(dumped)
    return told


def assert_equal_ends(events, folder, reference, reference_folder):
    """Compare all that trials end with, bit for bit."""
    timed = {"training_seconds", "inference_seconds"}
    ends = [trial[-1].measurements.model_dump(exclude=timed) for trial in (events, reference)]
    assert ends[0] == ends[1]
    assert events[-1].kept_epoch == reference[-1].kept_epoch
    weights, expected = (
        torch.load(Path(each) / "model.ckpt")["state_dict"] for each in (folder, reference_folder)
    )
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
