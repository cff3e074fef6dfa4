from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from hpo_torch_health.parameter_efficiency import ParameterEfficiency, cost_discount

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("amount", "expected"), [(0.0, 1.0), (100.0, 1 / 2), (300.0, 1 / 3), (700.0, 1 / 4)]
)
def test_cost_discount_by_hand(amount: float, expected: float) -> None:
    assert cost_discount(amount, 100.0) == pytest.approx(expected)


def test_cost_discount_falls_strictly() -> None:
    values = [cost_discount(amount, 1e5) for amount in (0, 1, 10**3, 10**5, 10**7, 10**9)]
    assert all(a > b > 0 for a, b in itertools.pairwise(values))


@pytest.mark.parametrize("unit", [1e-6, 0.5, 1024.0])
def test_cost_discount_is_free_of_units(unit: float) -> None:
    assert cost_discount(7e4 * unit, 3e5 * unit) == pytest.approx(cost_discount(7e4, 3e5))


def test_score_is_skill_times_discount(make_record: Callable) -> None:
    reading = ParameterEfficiency().score(
        make_record(skill=0.9, parameters=300, reference_parameters=100)
    )
    assert reading.value == pytest.approx(0.3)


def test_score_rises_with_skill_and_is_zero_without(make_record: Callable) -> None:
    values = [ParameterEfficiency().score(make_record(skill=s)).value for s in (0.0, 0.4, 1.0)]
    assert values == [0.0, pytest.approx(0.2), 0.5]
