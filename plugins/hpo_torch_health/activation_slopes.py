"""The slope phi'(z) of elementwise activations: by formula, or by autograd for the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017
GELU_TANH_CUBIC = 0.044715  # Hendrycks & Gimpel 2016


def _relu(_module: nn.ReLU, z: Tensor) -> Tensor:
    return (z > 0).to(z.dtype)


def _leaky_relu(module: nn.LeakyReLU, z: Tensor) -> Tensor:
    return torch.where(z > 0, z.new_ones(()), module.negative_slope)


def _silu(_module: nn.SiLU, z: Tensor) -> Tensor:
    gate = torch.sigmoid(z)
    return gate * (1 + z * (1 - gate))


def _tanh(_module: nn.Tanh, z: Tensor) -> Tensor:
    return 1 - torch.tanh(z).square()


def _sigmoid(_module: nn.Sigmoid, z: Tensor) -> Tensor:
    gate = torch.sigmoid(z)
    return gate * (1 - gate)


def _elu(module: nn.ELU, z: Tensor) -> Tensor:
    return torch.where(z > 0, 1.0, module.alpha * torch.exp(z.clamp_max(0)))


def _selu(_module: nn.SELU, z: Tensor) -> Tensor:
    return SELU_SCALE * torch.where(z > 0, 1.0, SELU_ALPHA * torch.exp(z.clamp_max(0)))


def _gelu(module: nn.GELU, z: Tensor) -> Tensor:
    if module.approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (z + GELU_TANH_CUBIC * z**3)
        slope = math.sqrt(2 / math.pi) * (1 + 3 * GELU_TANH_CUBIC * z**2)
        wave = torch.tanh(inner)
        return 0.5 * (1 + wave) + 0.5 * z * (1 - wave.square()) * slope
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    cumulative = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    return cumulative + z * density


FORMULAS: dict[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    nn.ReLU: _relu,
    nn.LeakyReLU: _leaky_relu,
    nn.SiLU: _silu,
    nn.Tanh: _tanh,
    nn.Sigmoid: _sigmoid,
    nn.ELU: _elu,
    nn.SELU: _selu,
    nn.GELU: _gelu,
}
ACTIVATIONS: tuple[type[nn.Module], ...] = (
    *FORMULAS,
    nn.CELU,
    nn.Hardshrink,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardtanh,
    nn.LogSigmoid,
    nn.Mish,
    nn.PReLU,
    nn.RReLU,
    nn.Softplus,
    nn.Softshrink,
    nn.Softsign,
    nn.Tanhshrink,
    nn.Threshold,
)


def slope(module: nn.Module, z: Tensor) -> Tensor:
    """Return phi'(z) elementwise, of z's shape.

    Args:
        module: An elementwise activation in eval mode; a subclass of a known one goes through
            autograd, as its forward may differ.
        z: The activation's input, floating point.
    """
    formula = FORMULAS.get(type(module))
    if formula is not None:
        return formula(module, z)
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        # forward, not __call__: this runs inside the module's own hook. The clone is for in-place
        # modules, which may not write to a leaf.
        output = module.forward(leaf.clone())
        return torch.autograd.grad(output.sum(), leaf)[0]
