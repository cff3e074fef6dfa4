from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn, zeros

from hpo_torch.config.schema import HealthSettings
from hpo_torch.health.monitor import Baseline, HealthMonitor
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading

if TYPE_CHECKING:
    from hpo_torch.health.metric import Probe, TrainingRecord


class Largest:
    """Tells the largest weight of the kept epoch."""

    def observe(self, probe: Probe) -> float:
        return float(next(iter(probe.network.parameters())).detach().max())

    def score(self, record: TrainingRecord) -> HealthReading:
        return HealthReading(value=1.0, details={"max": record.observations[record.kept_epoch]})


class Epochs:
    """Tells how many epochs there were: the same of whichever is kept."""

    def observe(self, probe: Probe) -> None: ...

    def score(self, record: TrainingRecord) -> HealthReading:
        return HealthReading(value=0.5, details={"epochs": len(record.epochs)})


def epoch(number: int, accuracy: float) -> EpochMetrics:
    return EpochMetrics(
        epoch=number,
        train_loss=1.0,
        train_accuracy=0.5,
        val_loss=1.0,
        val_accuracy=accuracy,
        learning_rate=0.1,
        seconds=1.0,
    )


def test_an_epoch_that_is_not_kept_has_readings_of_its_own() -> None:
    metrics: dict[str, Any] = {"largest": Largest(), "epochs": Epochs()}
    health = HealthMonitor(
        metrics,
        HealthSettings(),
        dict.fromkeys(metrics, 1.0),
        (zeros(8, 4), zeros(8).long()),
        Baseline(accuracy=0.5, parameters=10),
        seed=0,
    )
    epochs = [epoch(1, 0.9), epoch(2, 0.6), epoch(3, 0.95)]
    reports = []
    for count, (weight, kept) in enumerate([(2.0, 0), (3.0, 0), (4.0, 2)], 1):
        network = nn.Linear(4, 2)
        nn.init.constant_(network.weight, weight)
        reports.append(health.epoch_report(network, epochs[:count], kept))
    assert [report.readings["largest"].details["max"] for report in reports] == [2.0, 2.0, 4.0]
    # Only what differs is told again.
    assert [sorted(report.epoch_readings) for report in reports] == [[], ["largest"], []]
    assert reports[1].epoch_readings["largest"].details["max"] == 3.0
