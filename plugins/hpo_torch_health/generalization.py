"""Generalization: how much of its accuracy a network keeps on examples it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.probe_answers import accuracy

if TYPE_CHECKING:
    from hpo_torch.plugin_api import Probe, TrainingRecord

NO_VALIDATION = "no validation pass was made"
ONE_CLASS = "all validation examples are of one class: there is nothing to learn"


def kept_share(train_accuracy: float, validation_accuracy: float, baseline: float) -> float:
    """Return G = 1 - clip((A_train - A_val) / (1 - A0), 0, 1).

    The gap of Jiang et al. (2020, arXiv 1912.02178), in units of what there is to learn. A network
    that has learnt nothing has no gap: 1 is not "good", only "not overfitted".

    Args:
        train_accuracy: A_train, 0..1, in eval mode, of images that are not augmented.
        validation_accuracy: A_val, 0..1.
        baseline: A0, the majority class's share, below 1.
    """
    gap = (train_accuracy - validation_accuracy) / (1.0 - baseline)
    return 1.0 - min(1.0, max(0.0, gap))


class Generalization:
    """The gap between the train probe and the validation pass, of the kept epoch.

    1 is no gap, 0 a gap as wide as all there is to learn. None without a validation pass. Wrong
    labels in the training part hide the gap: there, nobody learns the training part by rule.
    """

    def observe(self, probe: Probe) -> dict[str, float] | None:
        """Measure both accuracies: one forward pass of the probe."""
        if probe.validation is None:
            return None
        return {
            "train_accuracy": accuracy(probe.network, probe.inputs, probe.labels),
            "validation_accuracy": probe.validation.correct.double().mean().item(),
            "train_examples": len(probe.inputs),
            "validation_examples": len(probe.validation.correct),
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's accuracies."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason=NO_VALIDATION)
        if record.baseline_accuracy >= 1.0:
            return HealthReading(reason=ONE_CLASS, applies=False)
        train, validation = kept["train_accuracy"], kept["validation_accuracy"]
        value = kept_share(train, validation, record.baseline_accuracy)
        return HealthReading(value=value, details={**kept, "gap": train - validation})
