from __future__ import annotations

import pytest
import torch
from torch import nn

from hpo_torch_health.activation_slopes import ACTIVATIONS, FORMULAS, slope

CONFIGURED = [
    nn.ReLU(),
    nn.ReLU(inplace=True),
    nn.LeakyReLU(0.2),
    nn.SiLU(),
    nn.Tanh(),
    nn.Sigmoid(),
    nn.ELU(alpha=1.7),
    nn.SELU(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
]


@pytest.mark.parametrize("module", CONFIGURED, ids=str)
def test_slope_equals_autograd_of_the_module(module: nn.Module) -> None:
    z = torch.linspace(-8, 8, 1000, dtype=torch.float64, requires_grad=True)
    expected = torch.autograd.grad(module(z.clone()).sum(), z)[0]
    torch.testing.assert_close(slope(module, z.detach()), expected, rtol=1e-6, atol=1e-9)


def test_every_formula_is_checked() -> None:
    assert {type(module) for module in CONFIGURED} == set(FORMULAS)


def test_slope_without_a_formula_comes_from_autograd() -> None:
    z = torch.tensor([[-1.0, 3.0]])
    torch.testing.assert_close(slope(nn.Softplus(), z), torch.sigmoid(z))
    assert slope(nn.Hardtanh(inplace=True), z).tolist() == [[0.0, 0.0]]  # both at or beyond +-1
    assert z.tolist() == [[-1.0, 3.0]]


def test_slope_of_a_subclass_follows_its_own_forward() -> None:
    class Doubled(nn.ReLU):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(input)

    assert slope(Doubled(), torch.tensor([-1.0, 1.0])).tolist() == [0.0, 2.0]


def test_relu6_counts_as_an_activation() -> None:
    assert isinstance(nn.ReLU6(), ACTIVATIONS)
