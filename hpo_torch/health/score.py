"""From health readings to one number: overall_health."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch.errors import InvalidValueError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from hpo_torch.hooks.records import HealthMetricSpec
    from hpo_torch.protocol.measurements import HealthReading

FLOOR = 0.01  # keeps one noisy zero from erasing the rest: it costs a factor of 0.01 ** weight
FULL_SKILL = 0.10  # a network that beats the majority class by less is not healthy, only idle
MIN_AVAILABLE_WEIGHT = 0.5


def resolve_weights(
    specs: Sequence[HealthMetricSpec], configured: Mapping[str, float]
) -> dict[str, float]:
    """Return every metric's weight: the configured one, or its spec's default.

    Raises:
        UnknownNameError: A configured name is no metric's.
        InvalidValueError: A weight is negative or not finite, or all are zero.
    """
    defaults = {spec.name: spec.default_weight for spec in specs}
    for name, weight in configured.items():
        if name not in defaults:
            raise UnknownNameError("health metric", name, defaults)
        if not (math.isfinite(weight) and weight >= 0.0):
            raise InvalidValueError(f"health.weights.{name}", "a finite number from 0", weight)
    weights = {**defaults, **configured}
    if not any(weights.values()):
        raise InvalidValueError(
            "health.weights",
            "at least one weight above 0",
            weights,
            "Give a metric a weight, or search with --mode simple.",
        )
    return weights


def skill(accuracy: float, baseline_accuracy: float) -> float:
    """Return clip((A - A0) / (1 - A0), 0, 1): the share of what can be learnt that was.

    Args:
        accuracy: A, 0..1.
        baseline_accuracy: A0, the majority class's share; with 1 there is nothing to learn, so 0.
    """
    if baseline_accuracy >= 1.0:
        return 0.0
    return min(1.0, max(0.0, (accuracy - baseline_accuracy) / (1.0 - baseline_accuracy)))


def overall_health(
    readings: Mapping[str, HealthReading],
    weights: Mapping[str, float],
    skill: float,
    combine: Literal["geometric", "arithmetic", "min"] = "geometric",
) -> float | None:
    """Combine the metrics' values, gated by skill, into 0..1; higher is healthier.

    gate * mean, with gate = clip(skill / 0.10, 0, 1), because an untrained network can read healthy
    everywhere. The geometric mean exp(sum w log max(h, 0.01) / sum w) does not let a dead network
    make up for it by stability. A metric without a value (None) is left out and the other weights
    count for more; a metric that is broken says 0, which is counted.

    Args:
        readings: Reading by metric name.
        weights: Weight by metric name, at least 0; not all 0.
        skill: Of the kept epoch, 0..1.
        combine: "geometric", "arithmetic", or "min": the least value of weight above 0.

    Returns:
        None if metrics of less than half the weight have a value.
    """
    available = [
        (value, weight)
        for name, weight in weights.items()
        if weight > 0.0 and name in readings and (value := readings[name].value) is not None
    ]
    total = sum(weights.values())
    # Rounding may leave exactly half a hair below it.
    if not available or sum(w for _, w in available) < MIN_AVAILABLE_WEIGHT * total * (1 - 1e-9):
        return None
    mean = _MEANS[combine](available)
    return min(1.0, max(0.0, skill / FULL_SKILL)) * min(1.0, max(0.0, mean))


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
