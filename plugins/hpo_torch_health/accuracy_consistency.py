"""Accuracy consistency: how little the validation accuracy varies from epoch to epoch.

A part of the original system's health, kept for the health preset `original`. It counts learning
itself as a variation, so a network that rises from 0.3 to 0.9 reads worse than one that never
learns; it has no weight by default.
"""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.plugin_api import Probe, TrainingRecord

MIN_EPOCHS = 5


def accuracy_consistency(accuracies: Sequence[float]) -> float:
    """Return 1 / (1 + 10 std / mean), 0..1; the standard deviation divides by n.

    Args:
        accuracies: Validation accuracy of each epoch, 0..1, not all of them 0.
    """
    return 1.0 / (1.0 + 10.0 * pstdev(accuracies) / fmean(accuracies))


class AccuracyConsistency:
    """`accuracy_consistency` of all epochs; None below five, or where all accuracies are 0."""

    def observe(self, probe: Probe) -> None:
        """Need nothing of the network: the epochs' accuracies say it all."""

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score all epochs so far, 0..1."""
        accuracies = [epoch.val_accuracy for epoch in record.epochs]
        if len(accuracies) < MIN_EPOCHS:
            return HealthReading(reason=f"needs {MIN_EPOCHS} epochs, there were {len(accuracies)}")
        if not any(accuracies):
            return HealthReading(reason="validation accuracy is 0 in every epoch")
        return HealthReading(value=accuracy_consistency(accuracies))
