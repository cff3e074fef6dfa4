from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from hpo_torch.health.gradient_recorder import GradientRecorder


def parameters(*gradients: list[float] | None) -> list[nn.Parameter]:
    made = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(len(gradient or [0.0])))
        parameter.grad = None if gradient is None else torch.tensor(gradient)
        made.append(parameter)
    return made


def test_norm_is_over_all_parameters_with_a_gradient() -> None:
    recorder = GradientRecorder(every_k_steps=1)
    recorder.keep_gradients(parameters([3.0, 0.0], None, [4.0]))
    recorder.keep_gradients(parameters([30.0]), loss_scale=10.0)
    recorder.read()
    assert recorder.gradient_norms == [5.0, 3.0]


def test_every_kth_step_is_kept_from_the_first() -> None:
    recorder = GradientRecorder(every_k_steps=3)
    for step in range(1, 9):
        recorder.keep_gradients(parameters([float(step)]))
    recorder.read()
    assert recorder.gradient_norms == [1.0, 4.0, 7.0]


def test_a_gradient_that_is_not_a_number_is_kept_as_it_is() -> None:
    recorder = GradientRecorder(every_k_steps=1)
    for step in range(10):
        recorder.keep_gradients(parameters([math.nan if step == 6 else 1.0, 2.0]))
    recorder.read()
    assert [math.isfinite(norm) for norm in recorder.gradient_norms].count(False) == 1
    assert math.isnan(recorder.gradient_norms[6])


def test_losses_are_read_without_their_graph() -> None:
    recorder = GradientRecorder(every_k_steps=1)
    weight = nn.Parameter(torch.tensor(2.0))
    recorder.keep_loss(weight * 1.5)
    recorder.keep_loss(torch.tensor(0.25, dtype=torch.bfloat16).float())
    recorder.read()
    recorder.read()
    assert recorder.step_losses == [3.0, 0.25]


def test_a_restored_recorder_goes_on_where_it_was() -> None:
    whole, first = GradientRecorder(every_k_steps=4), GradientRecorder(every_k_steps=4)
    for step in range(6):
        for recorder in (whole, first):
            recorder.keep_loss(torch.tensor(float(step)))
            recorder.keep_gradients(parameters([float(step)]))
    second = GradientRecorder(every_k_steps=4)
    second.load_state_dict(first.state_dict())
    for step in range(6, 12):
        for recorder in (whole, second):
            recorder.keep_loss(torch.tensor(float(step)))
            recorder.keep_gradients(parameters([float(step)]))
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), rtol=0.0, atol=0.0)
    assert second.gradient_norms == pytest.approx([0.0, 4.0, 8.0])
