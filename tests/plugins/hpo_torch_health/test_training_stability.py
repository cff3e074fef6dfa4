from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from hpo_torch_health.training_stability import (
    TrainingStability,
    path_efficiency,
    retention,
    spike_steps,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_path_efficiency_by_hand() -> None:
    # Two bins of four: means 3 and 4; from L_1 = 6: |3 - 6| + |4 - 3| = 4 walked, 6 - 4 = 2 gained.
    assert path_efficiency([6.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0]) == pytest.approx(0.5)


def test_path_efficiency_of_descent_constant_and_ascent() -> None:
    down = np.linspace(2.0, 0.1, 100).tolist()
    assert path_efficiency(down) == pytest.approx(1.0)
    assert path_efficiency([1.5] * 100) == 0.0
    assert path_efficiency(down[::-1]) == 0.0


def test_a_single_tenfold_spike_is_counted_once() -> None:
    rng = np.random.default_rng(0)
    losses = np.linspace(2.0, 0.5, 200) * np.exp(rng.normal(0, 0.05, 200))
    assert spike_steps(losses.tolist()) == []
    losses[120] *= 10
    assert spike_steps(losses.tolist()) == [120]


def test_spikes_agree_with_a_direct_computation() -> None:
    rng = np.random.default_rng(1)
    losses = np.exp(rng.normal(0, 0.3, 150) + 3 * (rng.random(150) < 0.1))
    losses[15] *= 50
    losses = losses.tolist()
    expected = []
    for t in range(10, len(losses)):
        before = [math.log(loss) for loss in losses[max(0, t - 20) : t]]
        middle = median(before)
        limit = max(6 * 1.4826 * median(abs(x - middle) for x in before), math.log(2))
        if math.log(losses[t]) - middle > limit and losses[t] > 0.05 * losses[0]:
            expected.append(t)
    assert spike_steps(losses) == expected
    assert any(t < 20 for t in expected)
    assert any(t > 20 for t in expected)


def test_noise_around_nothing_is_no_spike() -> None:
    assert spike_steps([2.0, *[1e-6] * 30, 1e-3, 1e-6]) == []


@pytest.mark.parametrize(
    ("validation", "expected"),
    [
        ([1.0, 0.5], 1.0),  # the best is the last
        ([0.5, 0.8], 0.8),  # gained 1.5 of 2.0, lost 0.3 of it again
        ([0.5, 3.0], 0.0),  # worse than untrained
        ([2.0, 2.5], 0.0),  # never improved
        ([0.4], 1.0),
    ],
)
def test_retention_by_hand(validation: list[float], expected: float) -> None:
    assert retention(2.0, validation) == pytest.approx(expected)


def test_score_is_the_geometric_mean_with_a_floor(make_record: Callable) -> None:
    losses = np.linspace(2.0, 1.0, 100).tolist()
    steady = TrainingStability().score(make_record(step_losses=losses, val_losses=(1.0,)))
    assert steady.value == pytest.approx(1.0)
    lost = TrainingStability().score(make_record(step_losses=losses, val_losses=(1.0, 9.0)))
    assert lost.value == pytest.approx(0.01 ** (1 / 3))  # Q = S = 1, R = 0


def test_spike_rate_counts_against_five_percent(make_record: Callable) -> None:
    losses = np.linspace(2.0, 1.0, 110)
    losses[[40, 80]] *= 10  # 2 of the 100 judged steps: S = 1 - 0.02 / 0.05
    reading = TrainingStability().score(make_record(step_losses=losses.tolist()))
    assert reading.details["spikes"] == 2
    assert reading.details["spike_freedom"] == pytest.approx(0.6)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_score_is_zero_once_a_loss_is_not_finite(broken: float, make_record: Callable) -> None:
    metric = TrainingStability()
    assert metric.score(make_record(step_losses=[1.0, broken, 1.0])).value == 0.0
    assert metric.score(make_record(step_losses=[1.0] * 30, val_losses=(broken,))).value == 0.0


def test_score_needs_twenty_steps(make_record: Callable) -> None:
    reading = TrainingStability().score(make_record(step_losses=[1.0] * 19))
    assert (reading.value, reading.reason) == (None, "needs 20 training steps, there were 19")
    assert TrainingStability().score(make_record(step_losses=[1.0] * 20)).value is not None


def train_digits(learning_rate: float) -> tuple[list[float], tuple[float, ...]]:
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    losses, validation = [], []
    for _ in range(10):
        for batch in torch.randperm(1500).split(50):
            loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            validation.append(nn.functional.cross_entropy(network(x[1500:]), y[1500:]).item())
    return losses, tuple(validation)


def test_a_hundredfold_learning_rate_costs_more_than_half(make_record: Callable) -> None:
    values = []
    for learning_rate in (3e-3, 3e-1):
        losses, validation = train_digits(learning_rate)
        record = make_record(step_losses=losses, val_losses=validation)
        values.append(TrainingStability().score(record).value)
    assert values[0] > 0.9
    assert values[0] - values[1] > 0.5
