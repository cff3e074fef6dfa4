"""An epoch and what a training has measured so far, where only their seconds matter."""

from __future__ import annotations

from hpo_torch.protocol.measurements import EpochMetrics, Measurements


def plain_metrics(seconds: float, health_seconds: float = 0.0) -> EpochMetrics:
    """Return the first epoch's."""
    return EpochMetrics(
        epoch=1,
        train_loss=1.0,
        train_accuracy=0.5,
        val_loss=1.0,
        val_accuracy=0.5,
        learning_rate=0.1,
        seconds=seconds,
        health_seconds=health_seconds,
    )


def plain_measurements(seconds: float) -> Measurements:
    """Return those of a network that is right half of the time."""
    return Measurements(
        val_accuracy=0.5,
        val_loss=1.0,
        last_val_accuracy=0.5,
        skill=0.5,
        parameters=10,
        training_seconds=seconds,
    )
