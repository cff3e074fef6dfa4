from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from hpo_torch_health.dormancy import Dormancy, dormant_units, mean_activities

if TYPE_CHECKING:
    from collections.abc import Callable


def test_dormant_units_by_hand() -> None:
    # The mean is 1: scores are the activities themselves, at 0.025 and 0.1 still dormant.
    means = torch.tensor([0.025, 0.05, 0.1, 0.2, 4.625], dtype=torch.float64)
    assert dormant_units(means, 0.025).tolist() == [True, False, False, False, False]
    assert dormant_units(means, 0.1).tolist() == [True, True, True, False, False]


def test_a_silent_or_broken_layer_is_all_dormant() -> None:
    assert dormant_units(torch.zeros(3), 0.025).all()
    assert dormant_units(torch.tensor([1.0, torch.nan]), 0.025).all()


def test_activities_equal_a_direct_computation_over_chunks() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(6 * 16, 5), nn.ReLU(inplace=True)
    )
    images = torch.randn(300, 1, 6, 6)
    with torch.no_grad():
        maps = network[:2](images)
        features = network(images)
    found = mean_activities(network, images)
    assert list(found) == ["1", "4"]
    torch.testing.assert_close(found["1"], maps.abs().mean((0, 2, 3)))
    torch.testing.assert_close(found["4"], features.abs().mean(0))


def test_a_reused_instance_is_told_apart_by_call() -> None:
    relu = nn.ReLU()
    network = nn.Sequential(relu, nn.Linear(2, 2, bias=False), relu)
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 3.0]]))
    found = mean_activities(network, torch.ones(200, 2))
    assert {name: means.tolist() for name, means in found.items()} == {
        "0": [1.0, 1.0],
        "0#2": [2.0, 3.0],
    }


def test_padding_is_left_out_of_recurrent_states() -> None:
    class Constant(nn.LSTM):
        def forward(self, inputs):
            on_padding = (inputs == 0).all(2, keepdim=True)
            return torch.full_like(inputs, 0.5).masked_fill(on_padding, 9.0), None

    network = nn.Sequential(nn.Embedding(9, 4, padding_idx=0), Constant(4, 4, batch_first=True))
    ids = torch.tensor([[1, 2, 3], [4, 0, 0]])
    assert mean_activities(network, ids)["1"].tolist() == [0.5] * 4


def test_score_counts_units_of_all_layers(make_probe: Callable, make_record: Callable) -> None:
    network = nn.Sequential(nn.Linear(1, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU())
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[0].bias.zero_()
        network[0].weight[:2] = 0.01  # dormant at both
        network[0].weight[2:5] = 0.05  # dormant at 0.1 only
        network[2].weight.fill_(1.0)
        network[2].bias.zero_()
    metric = Dormancy()
    observed = metric.observe(make_probe(network, torch.ones(20, 1)))
    reading = metric.score(make_record(observations=[observed]))
    assert reading.value == pytest.approx(1 - 2 / 20)
    assert reading.details["dormant_share_0.025"] == {"1": 0.2, "3": 0.0}
    assert reading.details["dormant_share_0.1"] == {"1": 0.5, "3": 0.0}
    assert reading.details["dormant_units"] == {"0.025": 2, "0.1": 5}


def test_without_activation_modules_there_is_no_value(
    make_probe: Callable, make_record: Callable
) -> None:
    metric = Dormancy()
    observed = metric.observe(make_probe(nn.Linear(2, 2), torch.ones(3, 2)))
    reading = metric.score(make_record(observations=[observed]))
    assert (reading.value, reading.applies) == (None, False)
    assert reading.reason == "no activation modules found"
