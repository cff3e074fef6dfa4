"""From health readings to one number: overall_health."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.objectives import skill_gate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpo_torch.config.schema import Combination, HealthSettings, Missing
    from hpo_torch.hooks.records import HealthMetricSpec
    from hpo_torch.protocol.measurements import HealthReading

FLOOR = 0.01  # keeps one noisy zero from erasing the rest: it costs a factor of 0.01 ** weight
MIN_AVAILABLE_WEIGHT = 0.5


def resolve_weights(
    specs: Sequence[HealthMetricSpec], settings: HealthSettings
) -> dict[str, float]:
    """Return every metric's weight: the configured one, or its spec's default (0 without those).

    Raises:
        UnknownNameError: A configured name is no metric's.
        InvalidValueError: A weight is negative or not finite, or all are zero.
    """
    defaults = {spec.name: spec.default_weight for spec in specs}
    for name, weight in settings.weights.items():
        if name not in defaults:
            raise UnknownNameError("health metric", name, defaults)
        if not (math.isfinite(weight) and weight >= 0.0):
            raise InvalidValueError(f"health.weights.{name}", "a finite number from 0", weight)
    weights = settings.weights_of(defaults)
    if not any(weights.values()):
        raise InvalidValueError(
            "health.weights",
            "at least one weight above 0",
            weights,
            "Give a metric a weight, or search with --mode simple.",
        )
    return weights


def overall_health(
    readings: Mapping[str, HealthReading],
    weights: Mapping[str, float],
    skill: float,
    combine: Combination = "geometric",
    missing: Missing = "renormalize",
) -> float | None:
    """Combine the metrics' values, gated by skill, into 0..1; higher is healthier.

    gate * mean, with gate = clip(skill / 0.10, 0, 1), because an untrained network can read healthy
    everywhere. The geometric mean exp(sum w log max(h, 0.01) / sum w) does not let a dead network
    make up for it by stability. A training that broke reads 0, which is counted; None is what
    could not be measured, and by default it is left out: the other weights count for more.

    Args:
        readings: Reading by metric name.
        weights: Weight by metric name, at least 0; not all 0.
        skill: Of the kept epoch, 0..1.
        combine: "geometric", "arithmetic", or "min": the least value of weight above 0.
        missing: "renormalize" leaves out a metric without a value, "zero" counts it as 0; one that
            does not apply to the data or the model family is left out in any case.

    Returns:
        None if metrics of less than half the weight have a value.
    """
    available = [
        (value, weight)
        for name, weight in weights.items()
        if weight > 0.0 and (value := _counted(readings.get(name), missing)) is not None
    ]
    total = sum(weights.values())
    # Rounding may leave exactly half a hair below it.
    if not available or sum(w for _, w in available) < MIN_AVAILABLE_WEIGHT * total * (1 - 1e-9):
        return None
    mean = _MEANS[combine](available)
    return skill_gate(skill) * min(1.0, max(0.0, mean))


def _counted(reading: HealthReading | None, missing: Missing) -> float | None:
    if reading is not None and (reading.value is not None or not reading.applies):
        return reading.value
    return 0.0 if missing == "zero" else None


def _geometric(available: Sequence[tuple[float, float]]) -> float:
    logs = sum(weight * math.log(max(value, FLOOR)) for value, weight in available)
    return math.exp(logs / sum(weight for _, weight in available))


def _arithmetic(available: Sequence[tuple[float, float]]) -> float:
    weighted = sum(weight * value for value, weight in available)
    return weighted / sum(weight for _, weight in available)


def _minimum(available: Sequence[tuple[float, float]]) -> float:
    return min(value for value, _ in available)


_MEANS: dict[str, Callable[[Sequence[tuple[float, float]]], float]] = {
    "geometric": _geometric,
    "arithmetic": _arithmetic,
    "min": _minimum,
}
