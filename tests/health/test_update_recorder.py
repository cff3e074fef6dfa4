from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from hpo_torch.health.update_recorder import UpdateRecorder


def weights(*values: list[list[float]]) -> list[tuple[str, nn.Parameter]]:
    named = [(f"w{i}", nn.Parameter(torch.tensor(value))) for i, value in enumerate(values)]
    for _, parameter in named:
        parameter.grad = torch.zeros_like(parameter)
    return named


def move(named: list[tuple[str, nn.Parameter]], recorder: UpdateRecorder, factor: float) -> None:
    recorder.begin(named)
    with torch.no_grad():
        for _, parameter in named:
            parameter.mul_(factor)
    recorder.end()


def test_ratio_is_the_moves_norm_over_the_weights_before() -> None:
    named = weights([[3.0, 4.0]])
    recorder = UpdateRecorder()
    recorder.begin(named)
    with torch.no_grad():
        named[0][1].copy_(torch.tensor([[3.0, 4.5]]))
    recorder.end()
    recorder.read()
    assert recorder.ratios == {"w0": [pytest.approx(0.1)]}


def test_biases_and_weights_without_a_gradient_are_left_out() -> None:
    named = weights([[1.0]], [[1.0]])
    named[1][1].grad = None
    bias = nn.Parameter(torch.ones(3))
    bias.grad = torch.ones(3)
    recorder = UpdateRecorder()
    move([*named, ("bias", bias)], recorder, 1.5)
    recorder.read()
    assert recorder.ratios == {"w0": [0.5]}


def test_only_steps_that_were_begun_are_kept() -> None:
    named = weights([[2.0, 0.0]])
    recorder = UpdateRecorder()
    recorder.end()
    move(named, recorder, 1.25)
    recorder.end()  # the steps between sampled ones
    recorder.end()
    move(named, recorder, 0.5)
    recorder.read()
    recorder.read()
    assert recorder.ratios == {"w0": [0.25, 0.5]}


def test_broken_weights_are_kept_as_they_are() -> None:
    named = weights([[1.0]], [[0.0]])
    recorder = UpdateRecorder()
    move(named, recorder, math.nan)
    recorder.read()
    assert [math.isnan(recorder.ratios[name][0]) for name in ("w0", "w1")] == [True, True]


def test_a_step_leaves_no_copy_and_no_graph() -> None:
    named = weights([[1.0]])
    recorder = UpdateRecorder()
    move(named, recorder, 2.0)
    assert (recorder._weights, recorder._before) == ([], [])
    assert not recorder._on_device[0].requires_grad


def test_a_restored_recorder_goes_on_where_it_was() -> None:
    named = weights([[1.0, 1.0]], [[2.0]])
    first = UpdateRecorder()
    move(named, first, 1.5)
    second = UpdateRecorder()
    second.load_state_dict(first.state_dict())
    move(named, second, 3.0)
    second.read()
    assert second.ratios == {"w0": [0.5, 2.0], "w1": [0.5, 2.0]}


def test_an_empty_recorder_is_restored_empty() -> None:
    recorder = UpdateRecorder()
    recorder.load_state_dict(UpdateRecorder().state_dict())
    assert recorder.ratios == {}


def test_a_layer_that_is_frozen_on_the_way_has_fewer_ratios() -> None:
    first, second = (torch.nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    recorder = UpdateRecorder()
    for both in (True, False):
        first.grad, second.grad = torch.ones(2, 2), torch.ones(2, 2) if both else None
        recorder.begin([("first", first), ("second", second)])
        with torch.no_grad():
            first.mul_(1.5)
        recorder.end()
    recorder.read()

    assert recorder.ratios == {"first": [0.5, 0.5], "second": [0.0]}
