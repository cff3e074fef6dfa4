from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from hpo_torch_health.gradient_noise_scale import (
    GradientNoiseScale,
    noise_and_signal,
    squared_norms,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_noise_and_signal_by_hand() -> None:
    # E|G_b|^2 = |G|^2 + tr(Sigma) / b: with |G|^2 = 3 and tr(Sigma) = 40, 13 at b = 4, 5.5 at 16.
    assert noise_and_signal(13.0, 5.5, 4, 16) == pytest.approx((40.0, 3.0))


def test_squared_norms_equal_backward() -> None:
    network, labels = nn.Linear(6, 3), torch.arange(18) % 3
    inputs = torch.randn(18, 6)
    torch.manual_seed(5)
    small, big, size = squared_norms(network, inputs, labels, batches=4)
    torch.manual_seed(5)
    chosen = torch.randperm(18)[:16]
    assert size == 4
    assert all(parameter.grad is None for parameter in network.parameters())

    def norm(where: torch.Tensor) -> float:
        network.zero_grad()
        nn.functional.cross_entropy(network(inputs[where]), labels[where]).backward()
        return sum(p.grad.square().sum().item() for p in network.parameters())

    assert big == pytest.approx(norm(chosen), rel=1e-4)
    assert small == pytest.approx(sum(map(norm, chosen.split(4))) / 4, rel=1e-4)


def test_estimates_are_unbiased_for_stratified_samples() -> None:
    """Against the covariance of per-example gradients; unshuffled chunks would be too alike."""
    torch.manual_seed(0)
    network = nn.Linear(4, 4)
    labels = torch.arange(128) % 4
    inputs = 3 * torch.eye(4)[labels] + torch.randn(128, 4)
    gradients = []
    for x, y in zip(inputs.split(1), labels.split(1), strict=True):
        loss = nn.functional.cross_entropy(network(x), y)
        found = torch.autograd.grad(loss, list(network.parameters()))
        gradients.append(torch.cat([each.flatten() for each in found]))
    expected = torch.stack(gradients).var(0).sum().item()
    found = []
    for _ in range(300):
        small, big, size = squared_norms(network, inputs, labels)
        found.append(noise_and_signal(small, big, size, 128)[0])
    assert sum(found) / len(found) == pytest.approx(expected, rel=0.1)


def test_parts_are_averaged_before_they_are_divided(make_record: Callable) -> None:
    seen = [{"noise": 10.0, "signal": 1.0}, None, {"noise": 30.0, "signal": 3.0}]
    record = make_record(val_losses=(1.0, 1.0, 1.0), observations=seen)
    reading = GradientNoiseScale().score(record)
    assert (reading.value, reading.applies) == (None, False)
    assert reading.reason == "a batch size, not a score: see the details"
    assert reading.details["noise_scale"] == pytest.approx(10.0)
    assert reading.details["epochs"] == 2


def test_estimates_below_zero_give_no_size(make_record: Callable) -> None:
    reading = GradientNoiseScale().score(make_record(observations=[{"noise": 1.0, "signal": -1.0}]))
    assert reading.details["noise_scale"] is None


def test_without_gradients_nothing_is_observed(make_probe: Callable) -> None:
    metric, inputs = GradientNoiseScale(), torch.ones(8, 2)
    assert metric.observe(make_probe(nn.Linear(2, 2), inputs[:3])) is None
    assert metric.observe(make_probe(nn.Linear(2, 2).requires_grad_(False), inputs)) is None
    assert metric.observe(make_probe(nn.Linear(2, 2), inputs * torch.nan)) is None
