"""Distributions of initial weights, by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


def he_normal(weight: Tensor, gain: float) -> None:
    """Fill with N(0, (gain / sqrt(fan in))^2), He et al., arXiv 1502.01852.

    Args:
        weight: [outputs, inputs, ...]; fan in is the number of elements an output reads.
        gain: Of the activation that follows; 1 for none.
    """
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))


def glorot_uniform(weight: Tensor, gain: float) -> None:
    """Fill with U(-a, a), a = gain x sqrt(6 / (fan in + fan out)), Glorot and Bengio 2010."""
    nn.init.xavier_uniform_(weight, gain)


INITIALIZERS: Final[Mapping[str, Callable[[Tensor, float], None]]] = {
    "he_normal": he_normal,
    "glorot_uniform": glorot_uniform,
}


def initialize(layer: nn.Conv2d | nn.Linear, initializer: str, gain: float) -> None:
    """Draw a layer's weights from torch's global generator and set its biases to 0."""
    INITIALIZERS[initializer](layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
