"""How a monitor combines readings: as its settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from hpo_torch.config.schema import HealthSettings
from hpo_torch.health.monitor import Baseline, HealthMonitor
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.testing.fake_training import fake_metrics

if TYPE_CHECKING:
    from hpo_torch.health.metric import Probe, TrainingRecord


class Constant:
    """A metric that always reads the same."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def observe(self, probe: Probe) -> None:
        pass

    def score(self, record: TrainingRecord) -> HealthReading:
        return HealthReading(value=self.value, reason="too early" if self.value is None else None)


@pytest.mark.parametrize(
    ("settings", "overall"),
    [
        ({}, 0.5),
        ({"combine": "arithmetic", "missing": "zero"}, 0.25),
        ({"combine": "min", "missing": "zero"}, 0.0),
    ],
    ids=["defaults", "arithmetic", "min"],
)
def test_overall_health_is_combined_as_the_settings_say(
    settings: dict[str, Any], overall: float
) -> None:
    monitor = HealthMonitor(
        {"unknown": Constant(None), "good": Constant(0.5)},
        HealthSettings(**settings),
        {"unknown": 1.0, "good": 1.0},
        (torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])),
        Baseline(accuracy=0.25, parameters=10),
        seed=0,
    )
    # fake_metrics(1): accuracy 0.5, so skill (0.5 - 0.25) / 0.75 is above the gate.
    report = monitor.epoch_report(nn.Linear(2, 2), [fake_metrics(1)], 0)
    assert report.overall_health == pytest.approx(overall)
