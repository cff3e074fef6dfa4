from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hpo_torch_health.parameter_efficiency import ParameterEfficiency

if TYPE_CHECKING:
    from collections.abc import Callable


def test_score_is_skill_times_discount(make_record: Callable) -> None:
    reading = ParameterEfficiency().score(
        make_record(skill=0.9, parameters=300, reference_parameters=100)
    )
    assert reading.value == pytest.approx(0.3)


def test_score_rises_with_skill_and_is_zero_without(make_record: Callable) -> None:
    values = [ParameterEfficiency().score(make_record(skill=s)).value for s in (0.0, 0.4, 1.0)]
    assert values == [0.0, pytest.approx(0.2), 0.5]
