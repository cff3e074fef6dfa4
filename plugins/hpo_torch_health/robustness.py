"""Robustness: how much of its skill a network keeps on mildly damaged validation examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import skill
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.corruptions import corruptions_of
from hpo_torch_health.generalization import NO_VALIDATION, ONE_CLASS
from hpo_torch_health.probe_answers import accuracy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.plugin_api import Probe, TrainingRecord

LEAST_SKILL = 0.1  # below, what is kept is noise


def kept_skill(clean: float, damaged: Mapping[str, float], baseline: float) -> float:
    """Return the mean over corruptions c of clip(s_c / s_clean, 0, 1), s = (A - A0) / (1 - A0).

    In the manner of Hendrycks & Dietterich 2019 (arXiv 1903.12261), relative to the network's own
    clean skill instead of another network's error.

    Args:
        clean: Accuracy, 0..1, with a skill above 0.
        damaged: Accuracy by corruption, at least one.
        baseline: A0, below 1.
    """
    whole = skill(clean, baseline)
    return sum(min(1.0, skill(each, baseline) / whole) for each in damaged.values()) / len(damaged)


class Robustness:
    """Share of the clean skill that is left under each corruption, averaged, of the kept epoch.

    1 is nothing lost, 0 everything. None without validation, below a skill of 0.1, or where no
    corruption is known for the inputs. It costs a forward pass per corruption, and who weighs it
    changes what is searched for: networks that bear just this damage.
    """

    def observe(self, probe: Probe) -> dict[str, Any] | None:
        """Measure accuracy on the validation probe, clean and damaged."""
        if probe.validation is None:
            return None
        inputs, labels = probe.validation.inputs, probe.validation.labels
        return {
            "clean": accuracy(probe.network, inputs, labels),
            "damaged": {
                name: accuracy(probe.network, damage(inputs), labels)
                for name, damage in corruptions_of(inputs).items()
            },
            "examples": len(inputs),
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's accuracies."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason=NO_VALIDATION)
        baseline = record.baseline_accuracy
        if baseline >= 1.0:
            return HealthReading(reason=ONE_CLASS, applies=False)
        if not kept["damaged"]:
            return HealthReading(reason="no corruption is known for these inputs", applies=False)
        clean = skill(kept["clean"], baseline)
        if clean < LEAST_SKILL:
            reason = f"needs a skill of {LEAST_SKILL} without damage, found {clean:.3f}"
            return HealthReading(reason=reason, details=kept)
        value = kept_skill(kept["clean"], kept["damaged"], baseline)
        return HealthReading(value=value, details=kept)
