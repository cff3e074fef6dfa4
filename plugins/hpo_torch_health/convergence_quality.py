"""Convergence quality: how accurate the network became, how far it rose, how calm the end is.

A part of the original system's health, kept for the health preset `original`. It is mostly
accuracy once more, so it has no weight by default.
"""

from __future__ import annotations

from statistics import pvariance
from typing import TYPE_CHECKING

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.plugin_api import Probe, TrainingRecord

MIN_EPOCHS = 3
END = 5  # epochs


WEIGHTS = {"accuracy": 0.6, "improvement": 0.3, "calm": 0.1}


def parts(accuracies: Sequence[float]) -> dict[str, float]:
    """Return the parts of the quality by name, each 0..1.

    accuracy: a_n, the last one. improvement: clip(5 (a_n - a_1), 0, 1), which is full at 0.2.
    calm, from five epochs on: 1 / (1 + 20 var), the variance of the last five, dividing by five.

    Args:
        accuracies: a_1..a_n, validation accuracy of each epoch, 0..1; at least one.
    """
    improvement = min(1.0, max(0.0, 5.0 * (accuracies[-1] - accuracies[0])))
    found = {"accuracy": accuracies[-1], "improvement": improvement}
    if len(accuracies) >= END:
        found["calm"] = 1.0 / (1.0 + 20.0 * pvariance(accuracies[-END:]))
    return found


class ConvergenceQuality:
    """0.6 accuracy + 0.3 improvement + 0.1 calm; None below three epochs.

    Below five there is no calm, and the other two are weighted 2 : 1.
    """

    def observe(self, probe: Probe) -> None:
        """Need nothing of the network: the epochs' accuracies say it all."""

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score all epochs so far, 0..1."""
        accuracies = [epoch.val_accuracy for epoch in record.epochs]
        if len(accuracies) < MIN_EPOCHS:
            return HealthReading(reason=f"needs {MIN_EPOCHS} epochs, there were {len(accuracies)}")
        found = parts(accuracies)
        weighted = sum(WEIGHTS[name] * part for name, part in found.items())
        value = weighted / sum(WEIGHTS[name] for name in found)
        return HealthReading(value=min(1.0, value), details=found)
