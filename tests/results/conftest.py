from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.results.records import TrialResult
from hpo_torch.results.run_directory import RunDirectory


@pytest.fixture
def make_epoch():
    def make(epoch=1, **changes):
        values = {
            "epoch": epoch,
            "train_loss": 0.5,
            "train_accuracy": 0.8,
            "val_loss": 0.6,
            "val_accuracy": 0.75,
            "learning_rate": 0.001,
            "seconds": 2.0,
        }
        return EpochMetrics(**(values | changes))

    return make


@pytest.fixture
def measurements():
    return Measurements(
        val_accuracy=0.75,
        val_loss=0.6,
        last_val_accuracy=0.7,
        skill=0.72,
        parameters=1234,
        training_seconds=4.0,
        memory_bytes=1000,
        health={
            "neuron_utilization": HealthReading(value=0.9, details={"layers": {"a": 0.9}}),
            "training_stability": HealthReading(reason="too few steps"),
        },
        overall_health=0.9,
    )


@pytest.fixture
def make_trial(measurements, make_epoch):
    def make(trial=0, state="complete", score=0.5, **changes):
        values = {
            "trial": trial,
            "attempt": f"{trial}-1",
            "state": state,
            "score": score,
            "seed": 7,
            "family": "cnn",
            "hyperparameters": {"learning_rate": 0.001, "activation": "relu"},
            "measurements": measurements,
            "kept_epoch": 1,
            "epochs": [make_epoch(1), make_epoch(2)],
            "started": "2026-11-25T10:20:03.000+00:00",
            "seconds": 5.5,
        }
        return TrialResult(**(values | changes))

    return make


@pytest.fixture
def run(tmp_path):
    directory = RunDirectory.create(tmp_path / "runs", "first")
    directory.write_config(RunConfig())
    return directory
