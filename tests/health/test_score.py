from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

import pytest

from hpo_torch.config.schema import HealthSettings
from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.health.score import overall_health, resolve_weights
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
    for idle in (0.0, 0.3, None):
        assert combined({**values, "x": idle}, {**weights, "x": 0.0}, combine=combine) == close
    for level in (0.01, 0.37, 1.0):  # below 0.01 the geometric mean has its floor
        same = combined(dict.fromkeys(values, level), weights, combine=combine)
        assert same == pytest.approx(level)
    for name, step in itertools.product(values, (0.1, 1.0)):
        better = {**values, name: min(1.0, values[name] + step)}
        assert combined(better, weights, combine=combine) >= result - 1e-12


def test_a_missing_value_is_left_out_and_is_not_zero() -> None:
    weights = {"a": 0.6, "b": 0.4}
    assert combined({"a": 0.5, "b": None}, weights) == pytest.approx(0.5)
    assert combined({"a": 0.5}, weights) == pytest.approx(0.5)
    assert combined({"a": 0.5, "b": 0.0}, weights) < 0.2


@pytest.mark.parametrize("combine", COMBINATIONS)
@pytest.mark.parametrize("seed", range(10))
def test_none_is_not_zero_whatever_combines(combine: str, seed: int) -> None:
    values, weights = random_case(seed)
    alive = {name: max(value, 0.2) for name, value in values.items()}
    weights["x"] = 0.1
    unknown = combined({**alive, "x": None}, weights, combine=combine)
    assert unknown == pytest.approx(combined(alive, weights, combine=combine))
    assert unknown > combined({**alive, "x": 0.0}, weights, combine=combine)


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_missing_zero_counts_what_could_not_be_measured_as_0(combine: str) -> None:
    weights = {"a": 0.6, "b": 0.4}
    how = {"combine": combine, "missing": "zero"}
    as_zero = combined({"a": 0.5, "b": 0.0}, weights, combine=combine)
    assert combined({"a": 0.5, "b": None}, weights, **how) == pytest.approx(as_zero)
    assert combined({"a": 0.5}, weights, **how) == pytest.approx(as_zero)


@pytest.mark.parametrize("missing", ["renormalize", "zero"])
def test_a_metric_that_does_not_apply_is_left_out_in_any_case(missing: str) -> None:
    structural = HealthReading(reason="no activation modules found", applies=False)
    given = {**readings({"a": 0.5}), "b": structural}
    result = overall_health(given, {"a": 0.6, "b": 0.4}, 1.0, missing=missing)
    assert result == pytest.approx(0.5)


def test_metrics_that_do_not_apply_leave_no_value_below_half_the_weight() -> None:
    given = {**readings({"a": 0.5}), "b": HealthReading(reason="n/a", applies=False)}
    assert overall_health(given, {"a": 0.4, "b": 0.6}, 1.0, missing="zero") is None


def test_below_half_the_weight_there_is_no_value() -> None:
    assert combined({"a": None, "b": 0.5}, {"a": 0.6, "b": 0.4}) is None
    assert combined({"a": None, "b": 0.5}, {"a": 0.5, "b": 0.5}) == pytest.approx(0.5)
    assert combined({}, {"a": 1.0}) is None
    halves = {"a": 0.1, "b": 0.7, "c": 0.8}  # in floats, 0.1 + 0.7 is a hair below half of 1.6
    assert combined({"a": 0.5, "b": 0.5, "c": None}, halves) == pytest.approx(0.5)


SPECS = [
    HealthMetricSpec(name=name, target="m:a", summary="s", default_weight=weight)
    for name, weight in (("alive", 0.2), ("steady", 0.3))
]


def settings(*, default_weights: bool = True, **weights: float) -> HealthSettings:
    return HealthSettings(weights=weights, default_weights=default_weights)


def test_resolve_weights_puts_configured_over_default() -> None:
    assert resolve_weights(SPECS, settings()) == {"alive": 0.2, "steady": 0.3}
    assert resolve_weights(SPECS, settings(alive=0.0)) == {"alive": 0.0, "steady": 0.3}


def test_resolve_weights_without_defaults_leaves_the_others_at_0() -> None:
    only = settings(default_weights=False, alive=0.7)
    assert resolve_weights(SPECS, only) == {"alive": 0.7, "steady": 0.0}


def test_resolve_weights_names_the_nearest_metric() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'steady'"):
        resolve_weights(SPECS, settings(stedy=1.0))


@pytest.mark.parametrize(
    "configured",
    [
        settings(alive=-0.1),
        settings(alive=math.nan),
        settings(alive=0.0, steady=0.0),
        settings(default_weights=False),
    ],
    ids=["negative", "nan", "all zero", "none"],
)
def test_resolve_weights_refuses_impossible_weights(configured: HealthSettings) -> None:
    with pytest.raises(InvalidValueError, match=r"health\.weights"):
        resolve_weights(SPECS, configured)
