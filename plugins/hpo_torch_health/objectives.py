"""The objectives that hpo-torch brings along: what each reads of a trial, as 0..1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plugin_api import cost_discount, skill_gate

if TYPE_CHECKING:
    from hpo_torch.plugin_api import References
    from hpo_torch.protocol.measurements import Measurements


def val_accuracy(measurements: Measurements, references: References) -> float:
    """Take the validation accuracy of the best epoch, whose weights are kept."""
    return measurements.val_accuracy


def accuracy(measurements: Measurements, references: References) -> float:
    """Take the validation accuracy of the last epoch, whose weights are kept."""
    return measurements.last_val_accuracy


def training_time(measurements: Measurements, references: References) -> float | None:
    """Discount skill by the training's seconds."""
    return _skill_for(measurements, measurements.training_seconds, references.training_seconds)


def memory_efficiency(measurements: Measurements, references: References) -> float | None:
    """Discount skill by the peak of memory in a training step, bytes."""
    return _skill_for(measurements, measurements.memory_bytes, references.memory_bytes)


def inference_speed(measurements: Measurements, references: References) -> float | None:
    """Discount skill by the seconds of one prediction."""
    return _skill_for(measurements, measurements.inference_seconds, references.inference_seconds)


def parameter_efficiency(measurements: Measurements, references: References) -> float | None:
    """Take the health metric of that name: skill, discounted by the number of parameters."""
    return _reading(measurements, "parameter_efficiency")


def overall_health(measurements: Measurements, references: References) -> float:
    """Take overall_health, which is gated by skill already.

    0 where too little was measured to speak of health: pessimistic, so that it never pays.
    """
    return measurements.overall_health or 0.0


def neuron_utilization(measurements: Measurements, references: References) -> float | None:
    """Take the health metric of that name as far as there is skill."""
    return _gated(measurements, "neuron_utilization")


def training_stability(measurements: Measurements, references: References) -> float | None:
    """Take the health metric of that name as far as there is skill."""
    return _gated(measurements, "training_stability")


def gradient_health(measurements: Measurements, references: References) -> float | None:
    """Take the health metric of that name as far as there is skill."""
    return _gated(measurements, "gradient_health")


def _skill_for(
    measurements: Measurements, cost: float | None, reference: float | None
) -> float | None:
    if cost is None or reference is None:
        return None
    # Without skill as a factor, the cheapest network at chance level would win.
    return measurements.skill * cost_discount(cost, reference)


def _gated(measurements: Measurements, metric: str) -> float | None:
    value = _reading(measurements, metric)
    return None if value is None else value * skill_gate(measurements.skill)


def _reading(measurements: Measurements, metric: str) -> float | None:
    reading = measurements.health.get(metric)
    return None if reading is None else reading.value
