from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from hpo_torch.models.activations import ACTIVATIONS
from hpo_torch.models.initializers import initialize


@pytest.mark.parametrize("layer", [nn.Linear(900, 400), nn.Conv2d(100, 400, 3)], ids=["fc", "conv"])
def test_he_normal_has_the_gains_deviation(layer):
    torch.manual_seed(0)

    initialize(layer, "he_normal", 2.0)

    # fan in is 900 both times: 2 / sqrt(900) = 0.0667; 360,000 draws are within 1 %
    assert layer.weight.std().item() == pytest.approx(2 / 30, rel=0.01)
    assert layer.weight.abs().max().item() > 3 * 2 / 30  # a normal has tails
    assert layer.bias.abs().max().item() == 0.0


@pytest.mark.parametrize(
    ("layer", "fans"), [(nn.Linear(900, 400), 1300), (nn.Conv2d(100, 400, 3), 4500)]
)
def test_glorot_uniform_fills_its_interval(layer, fans):
    torch.manual_seed(0)
    end = 2.0 * math.sqrt(6 / fans)

    initialize(layer, "glorot_uniform", 2.0)

    assert layer.weight.max().item() == pytest.approx(end, rel=1e-3)
    assert layer.weight.min().item() == pytest.approx(-end, rel=1e-3)
    assert layer.weight.std().item() == pytest.approx(end / math.sqrt(3), rel=0.01)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "swish", "elu", "selu", "gelu"])
def test_he_normal_carries_a_signal_through_the_deepest_network(name):
    torch.manual_seed(0)
    activation = ACTIVATIONS[name]
    signal = torch.randn(64, 512)
    for _ in range(8):  # 4 convolutions and 4 hidden layers
        layer = nn.Linear(512, 512)
        initialize(layer, "he_normal", activation.gain)
        signal = activation.make()(layer(signal))

    # Within a decade (swish: 6.4); torch's own default is down to 4e-4 for relu.
    assert 0.1 < signal.square().mean().item() < 10.0


def test_layer_without_bias_is_initialised():
    layer = nn.Linear(4, 4, bias=False)

    initialize(layer, "he_normal", 0.0)

    assert layer.weight.abs().max().item() == 0.0
