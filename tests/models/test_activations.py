from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from hpo_torch.config.schema import ForcedActivation
from hpo_torch.models.activations import ACTIVATIONS

# E[f(z)^2] for z ~ N(0, 1), by Gauss-Hermite quadrature of order 200 (weights of exp(-x^2 / 2)).
POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(200)


def mean_square(module):
    outputs = module(torch.from_numpy(POINTS)).numpy()
    return float((WEIGHTS * outputs**2).sum() / WEIGHTS.sum())


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "swish", "elu", "selu", "gelu"])
def test_gain_keeps_the_mean_square(name):
    activation = ACTIVATIONS[name]

    assert activation.gain**2 * mean_square(activation.make()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("name", "gain"), [("tanh", 5 / 3), ("sigmoid", 1.0)])
def test_gain_is_what_torch_recommends(name, gain):
    assert ACTIVATIONS[name].gain == gain


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("relu", nn.ReLU),
        ("leaky_relu", nn.LeakyReLU),
        ("swish", nn.SiLU),
        ("tanh", nn.Tanh),
        ("sigmoid", nn.Sigmoid),
        ("elu", nn.ELU),
        ("selu", nn.SELU),
        ("gelu", nn.GELU),
    ],
)
def test_make_gives_a_fresh_module_that_leaves_its_input_alone(name, kind):
    first, second = ACTIVATIONS[name].make(), ACTIVATIONS[name].make()
    inputs = torch.tensor([-1.0, 2.0])

    first(inputs)

    assert type(first) is kind
    assert first is not second
    assert inputs.tolist() == [-1.0, 2.0]


def test_leaky_relu_leaks_a_hundredth():
    assert ACTIVATIONS["leaky_relu"].make()(torch.tensor(-3.0)).item() == pytest.approx(-0.03)


def test_every_activation_of_the_settings_exists():
    assert set(ACTIVATIONS) == {*get_args(ForcedActivation), "sigmoid"}
