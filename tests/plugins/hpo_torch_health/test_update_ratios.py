from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from hpo_torch_health.update_ratios import UpdateRatios, decades, judged, usefulness

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("log_ratio", "expected"),
    [
        (-7.0, 0.0),
        (-6.0, 0.0),
        (-5.0, 0.5),
        (-4.0, 1.0),
        (-3.0, 1.0),
        (-1.7, 1.0),
        (-1.1, 0.5),
        (-0.5, 0.0),
        (-math.inf, 0.0),
        (math.inf, 0.0),
    ],
)
def test_usefulness_by_hand(log_ratio: float, expected: float) -> None:
    assert usefulness(log_ratio) == pytest.approx(expected)


def test_decades_of_what_is_no_ratio() -> None:
    assert decades(1e-3) == pytest.approx(-3.0)
    assert decades(0.0) == -math.inf
    assert decades(math.nan) == decades(math.inf) == math.inf


def test_only_the_first_80_percent_are_judged() -> None:
    assert judged(list(range(10))) == list(range(8))
    assert judged([3.0]) == [3.0]


def test_score_is_the_median_over_weights_and_steps(make_record: Callable) -> None:
    ratios = {"a": [1e-3] * 4 + [0.0], "b": [1e-5] * 4 + [math.nan], "c": [1e-5] * 5}
    reading = UpdateRatios().score(make_record(update_ratios=ratios))
    assert reading.value == pytest.approx(0.5)  # of 4 ones and 8 halves
    assert reading.details["log10_ratio"] == pytest.approx({"a": -3.0, "b": -5.0, "c": -5.0})
    assert reading.details["samples"] == 5


def test_a_weight_that_is_not_finite_has_no_decades(make_record: Callable) -> None:
    reading = UpdateRatios().score(make_record(update_ratios={"a": [math.nan] * 5}))
    assert reading.value == 0.0
    assert reading.details["log10_ratio"] == {"a": None}


def test_without_a_sampled_step_there_is_no_value(make_record: Callable) -> None:
    for ratios in ({}, {"a": []}):
        reading = UpdateRatios().score(make_record(update_ratios=ratios))
        assert reading.value is None
        assert reading.reason == "no optimiser step of a weight matrix was sampled"


@pytest.mark.parametrize(
    ("learning_rate", "low", "high"), [(1e-7, 0.0, 0.3), (1e-3, 0.99, 1.0), (10.0, 0.0, 0.1)]
)
def test_adam_tells_learning_rates_apart(
    learning_rate: float, low: float, high: float, make_record: Callable
) -> None:
    """Adam's first step moves every weight by the learning rate."""
    torch.manual_seed(0)
    network = nn.Linear(20, 10)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    nn.functional.cross_entropy(network(torch.randn(64, 20)), torch.arange(64) % 10).backward()
    before = network.weight.detach().clone()
    optimizer.step()
    ratio = ((network.weight - before).norm() / before.norm()).item()
    assert low <= UpdateRatios().score(make_record(update_ratios={"w": [ratio]})).value <= high
