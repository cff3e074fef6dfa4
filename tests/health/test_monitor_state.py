"""What a monitor keeps can be stored as tensors and plain values, whatever its metrics return."""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import nn

from hpo_torch.config.schema import HealthSettings
from hpo_torch.health.monitor import Baseline, HealthMonitor
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.testing.fake_training import fake_metrics


class NumpyMetric:
    """Observes a float64 of numpy's, which is a float to Python, but not to a restricted reader."""

    def observe(self, probe):
        return {"mean": np.float64(probe.inputs.mean()), "epochs": (probe.epoch,)}

    def score(self, record):
        return HealthReading(value=0.5, details={"seen": record.observations})


def monitor():
    probe = (torch.ones(4, 2), torch.zeros(4, dtype=torch.int64))
    return HealthMonitor(
        {"numpy": NumpyMetric()},
        HealthSettings(),
        {"numpy": 1.0},
        probe,
        Baseline(accuracy=0.5, parameters=10),
        seed=0,
    )


def test_state_survives_a_reader_of_plain_values_only():
    network, whole, first = nn.Linear(2, 2), monitor(), monitor()
    for health in (whole, first):
        health.epoch_report(network, [fake_metrics(1)], 0)
    stored = io.BytesIO()
    torch.save(first.state_dict(), stored)
    stored.seek(0)
    second = monitor()
    second.load_state_dict(torch.load(stored, weights_only=True))
    epochs = [fake_metrics(1), fake_metrics(2)]
    expected = whole.epoch_report(network, epochs, 1).readings
    assert second.epoch_report(network, epochs, 1).readings == expected
    assert expected["numpy"].details == {
        "seen": [{"mean": 1.0, "epochs": [1]}, {"mean": 1.0, "epochs": [2]}]
    }
