from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from hpo_torch_health.weight_distributions import (
    EDGES,
    QUANTILES,
    SAMPLE,
    WeightDistributions,
    distributions,
    sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def network_of(*values: torch.Tensor) -> nn.Module:
    network = nn.Module()
    for number, value in enumerate(values):
        network.register_parameter(f"p{number}", nn.Parameter(value))
    return network


def test_figures_equal_numpys() -> None:
    values = torch.randn(100, 60) * torch.logspace(-4, 1, 60)
    found = distributions(network_of(values))["p0"]
    flat = values.numpy().ravel()
    assert found["size"] == found["finite"] == 6000
    assert found["rms"] == pytest.approx(np.sqrt((flat.astype(np.float64) ** 2).mean()), rel=1e-3)
    assert found["range"] == pytest.approx([flat.min(), flat.max()], rel=1e-3)
    assert found["quantiles"] == pytest.approx(np.quantile(flat, QUANTILES), rel=1e-3, abs=1e-6)
    expected, _ = np.histogram(flat, [-np.inf, *np.float32(EDGES), np.inf])
    assert found["histogram"] == expected.tolist()


def test_every_parameter_is_there_biases_too() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.LSTM(4, 3))
    assert list(distributions(network)) == [name for name, _ in network.named_parameters()]


def test_a_large_tensor_is_sampled_evenly() -> None:
    values = torch.arange(256 * 1000, dtype=torch.float32)  # rows of 256, as of a wide layer
    kept = sample(values)
    assert len(kept) == len(kept.unique()) == SAMPLE
    columns = torch.bincount((kept % 256).long(), minlength=256)
    assert columns.min() >= 60  # 64 each, would they be perfectly even
    assert columns.max() <= 68
    for share in QUANTILES:
        assert kept.quantile(share).item() / len(values) == pytest.approx(share, abs=1e-3)
    assert torch.equal(sample(values), kept)


def test_range_and_finite_share_are_of_all_weights() -> None:
    values = torch.zeros(300_000)
    values[123_457] = 5.0
    assert distributions(network_of(values))["p0"]["range"] == [0.0, 5.0]
    values[200_003] = math.nan
    assert distributions(network_of(values))["p0"] == {"size": 300_000, "finite": 299_999}


def test_score_is_the_finite_share(make_probe: Callable, make_record: Callable) -> None:
    values = torch.zeros(8)
    values[0], values[1] = math.inf, math.nan
    metric = WeightDistributions()
    observed = metric.observe(make_probe(network_of(values, torch.ones(12)), torch.ones(1)))
    reading = metric.score(make_record(observations=[observed]))
    assert reading.value == pytest.approx(18 / 20)
    assert reading.details["parameters"] == observed


def test_a_network_without_parameters_has_no_value(make_record: Callable) -> None:
    observed = distributions(nn.ReLU())
    reading = WeightDistributions().score(make_record(observations=[observed]))
    assert (reading.value, reading.applies) == (None, False)


def test_figures_are_small_enough_for_every_epochs_event() -> None:
    """Of the longest numbers and counts: below 2 kB for the weights and biases of a layer."""
    layer = nn.LSTM(600, 600)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=1.2345e-3)
    each = [len(json.dumps(figures)) for figures in distributions(layer).values()]
    assert len(each) == 4
    assert sum(each) < 2000
