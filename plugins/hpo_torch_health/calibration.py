"""Calibration: is the network as often right as it says it is?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.generalization import NO_VALIDATION

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

BINS = 15
# Even a perfectly calibrated network has an error of about 0.04 with 1,000 examples, 0.12 with 100.
MIN_EXAMPLES = 1000


def reliability(confidences: Tensor, correct: Tensor) -> Tensor:
    """Return the reliability diagram of 15 bins (0, 1/15], (1/15, 2/15] ...

    Args:
        confidences: Probability of the predicted class [V], finite, 0..1.
        correct: bool [V].

    Returns:
        float64 [3, 15]: examples, and the sums of their confidences and of their correctness.
    """
    # Which bin is decided in float64: in float32 15 * (1/3) may be a hair above 5.
    confidences = confidences.double()
    bins = (confidences * BINS).ceil().long().sub(1).clamp(0, BINS - 1)
    rows = torch.stack((torch.ones_like(confidences), confidences, correct.double()))
    return rows.new_zeros(3, BINS).index_add(1, bins, rows)


def expected_calibration_error(diagram: Tensor) -> float:
    """Return ECE = sum_b n_b / n * |accuracy_b - confidence_b|, 0..1 (Guo et al. 2017).

    Args:
        diagram: From `reliability`, [3, 15].
    """
    count, confidence, right = diagram
    return float((right - confidence).abs().sum() / count.sum())


class Calibration:
    """1 - ECE over the whole validation pass, of the kept epoch.

    1 is as often right as it says, 0 always sure and always wrong; a network whose confidences are
    not numbers has 0. None below 1,000 examples, where the error's bias is as large as the error. A
    network that guesses and says so is perfectly calibrated.
    """

    def observe(self, probe: Probe) -> dict[str, Any] | None:
        """Sum up the answers of the epoch's validation pass: no pass of its own."""
        if probe.validation is None:
            return None
        confidences, correct = probe.validation.confidences, probe.validation.correct
        if not confidences.isfinite().all():
            return {"examples": len(correct), "ece": None}
        diagram = reliability(confidences, correct)
        count, confidence, right = diagram.tolist()
        return {
            "examples": len(correct),
            "ece": expected_calibration_error(diagram),
            "mean_confidence": sum(confidence) / len(correct),
            "accuracy": sum(right) / len(correct),
            "bin_examples": count,
            "bin_confidence": _means(confidence, count),
            "bin_accuracy": _means(right, count),
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's answers."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason=NO_VALIDATION)
        if kept["examples"] < MIN_EXAMPLES:
            reason = f"needs {MIN_EXAMPLES} validation examples, there are {kept['examples']}"
            return HealthReading(reason=reason, applies=False, details=kept)
        if kept["ece"] is None:
            return HealthReading(value=0.0, details=kept)
        return HealthReading(value=1.0 - kept["ece"], details=kept)


def _means(sums: list[float], counts: list[float]) -> list[float | None]:
    """Four digits are enough for a picture; an empty bin has no mean."""
    return [round(s / n, 4) if n else None for s, n in zip(sums, counts, strict=True)]
