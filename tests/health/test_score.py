from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

import pytest

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.health.score import overall_health, resolve_weights, skill
from hpo_torch.hooks.records import HealthMetricSpec
from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from collections.abc import Mapping

COMBINATIONS = ("geometric", "arithmetic", "min")


def readings(values: Mapping[str, float | None]) -> dict[str, HealthReading]:
    return {
        name: HealthReading(value=value, reason=None if value is not None else "n/a")
        for name, value in values.items()
    }


def combined(values: dict[str, float | None], weights: dict[str, float], **kw: object) -> object:
    return overall_health(readings(values), weights, **{"skill": 1.0, **kw})


def random_case(seed: int) -> tuple[dict[str, float], dict[str, float]]:
    rng = random.Random(seed)
    names = "abcde"[: rng.randint(1, 5)]
    values = {name: rng.choice([0.0, 1.0, rng.random()]) for name in names}
    return values, {name: rng.uniform(0.05, 1.0) for name in names}


def test_combinations_by_hand() -> None:
    values, weights = {"a": 0.25, "b": 1.0}, {"a": 0.5, "b": 0.5}
    assert combined(values, weights, combine="geometric") == pytest.approx(0.5)
    assert combined(values, weights, combine="arithmetic") == pytest.approx(0.625)
    assert combined(values, weights, combine="min") == 0.25


def test_geometric_floor_keeps_a_zero_from_erasing_the_rest() -> None:
    assert combined({"a": 0.0, "b": 1.0}, {"a": 0.5, "b": 0.5}) == pytest.approx(0.1)


@pytest.mark.parametrize(("gained", "gate"), [(0.0, 0.0), (0.05, 0.5), (0.1, 1.0), (0.9, 1.0)])
def test_the_gate_closes_below_a_tenth_of_skill(gained: float, gate: float) -> None:
    assert combined({"a": 0.8}, {"a": 1.0}, skill=gained) == pytest.approx(gate * 0.8)


@pytest.mark.parametrize("combine", COMBINATIONS)
@pytest.mark.parametrize("seed", range(20))
def test_properties(combine: str, seed: int) -> None:
    values, weights = random_case(seed)
    result = combined(values, weights, combine=combine)
    assert 0.0 <= result <= 1.0
    close = pytest.approx(result)
    scaled = {name: 7.3 * weight for name, weight in weights.items()}
    assert combined(values, scaled, combine=combine) == close
    backwards = dict(reversed(weights.items()))
    assert combined(values, backwards, combine=combine) == close
    assert combined({**values, "x": 0.3}, {**weights, "x": 0.0}, combine=combine) == close
    assert combined(dict.fromkeys(values, 0.37), weights, combine=combine) == pytest.approx(0.37)
    for name, step in itertools.product(values, (0.1, 1.0)):
        better = {**values, name: min(1.0, values[name] + step)}
        assert combined(better, weights, combine=combine) >= result - 1e-12


def test_a_missing_value_is_left_out_and_is_not_zero() -> None:
    weights = {"a": 0.6, "b": 0.4}
    assert combined({"a": 0.5, "b": None}, weights) == pytest.approx(0.5)
    assert combined({"a": 0.5}, weights) == pytest.approx(0.5)
    assert combined({"a": 0.5, "b": 0.0}, weights) < 0.2


def test_below_half_the_weight_there_is_no_value() -> None:
    assert combined({"a": None, "b": 0.5}, {"a": 0.6, "b": 0.4}) is None
    assert combined({"a": None, "b": 0.5}, {"a": 0.5, "b": 0.5}) == pytest.approx(0.5)
    assert combined({}, {"a": 1.0}) is None
    halves = {"a": 0.1, "b": 0.7, "c": 0.8}  # in floats, 0.1 + 0.7 is a hair below half of 1.6
    assert combined({"a": 0.5, "b": 0.5, "c": None}, halves) == pytest.approx(0.5)


def test_skill_by_hand() -> None:
    assert skill(0.55, 0.1) == pytest.approx(0.5)
    assert skill(0.05, 0.1) == 0.0
    assert skill(1.0, 0.1) == 1.0
    assert skill(1.0, 1.0) == 0.0


SPECS = [
    HealthMetricSpec(name=name, target="m:a", summary="s", default_weight=weight)
    for name, weight in (("alive", 0.2), ("steady", 0.3))
]


def test_resolve_weights_puts_configured_over_default() -> None:
    assert resolve_weights(SPECS, {}) == {"alive": 0.2, "steady": 0.3}
    assert resolve_weights(SPECS, {"alive": 0.0}) == {"alive": 0.0, "steady": 0.3}


def test_resolve_weights_names_the_nearest_metric() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'steady'"):
        resolve_weights(SPECS, {"stedy": 1.0})


@pytest.mark.parametrize(
    "configured", [{"alive": -0.1}, {"alive": math.nan}, {"alive": 0.0, "steady": 0.0}]
)
def test_resolve_weights_refuses_impossible_weights(configured: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError, match=r"health\.weights"):
        resolve_weights(SPECS, configured)
