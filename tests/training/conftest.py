"""Real trials on the embedded digits, small enough to train in a second."""

from __future__ import annotations

import threading

import pytest

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.families import search_space
from hpo_torch.training.train_trial import train_trial

SMALL = {"conv_layers": 1, "filters": 16, "hidden_units": 64, "batch_size": 64, "epochs": 2}


@pytest.fixture
def make_job(tmp_path):
    """Make a job on the digits; hyperparameters by name, the rest by job field."""

    def make(*, seed=1, objective="val_accuracy", health=None, training=None, **hyperparameters):
        space = search_space("cnn", (1, 8, 8), 1150, 1, 20)
        values = space.defaults(space.check_fixed({**SMALL, **hyperparameters}))
        return TrialJob(
            study="test",
            trial=0,
            attempt="a",
            seed=seed,
            data=DataSettings(),
            split_seed=0,
            family="cnn",
            hyperparameters=values,
            objective=objective,
            training=TrainingSettings(**{"precision": "32-true", **(training or {})}),
            health=HealthSettings(**(health or {"probe_size": 64, "gradient_probe_size": 32})),
            device="cpu",
            output_dir=str(tmp_path / "trial"),
        )

    return make


@pytest.fixture
def train(make_job):
    """Train a trial; returns its events."""

    def go(*, stop=None, **options):
        events = []
        train_trial(make_job(**options), events.append, stop or threading.Event(), worker="w")
        return events

    return go
