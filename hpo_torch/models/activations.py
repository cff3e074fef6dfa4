"""Activations by name: the module, and the gain that initial weights need before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LEAKY_SLOPE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation.

    Attributes:
        make: Makes a fresh module; never in place, so that hooks see what went in.
        gain: Standard deviation of initial weights is gain / sqrt(fan in).
        keeps_input: Whether its backward pass needs what went in; otherwise what came out.
    """

    make: Callable[[], nn.Module]
    gain: float
    keeps_input: bool


# Where torch recommends a gain, it is torch's. For elu, swish and gelu it is He's condition
# (arXiv 1502.01852, section 2.2): gain^2 x E[f(z)^2] = 1 for z ~ N(0, 1), so that the mean square
# stays the same from layer to layer; integrated numerically by a test. (Any deviation grows with
# depth: over 8 layers of 512 units gelu's rises 2-fold, swish's 6-fold.) SELU's is 1 by
# construction (arXiv 1706.02515), not torch's 3/4, which gives up self-normalisation.
ACTIVATIONS: Final[Mapping[str, Activation]] = {
    "relu": Activation(nn.ReLU, nn.init.calculate_gain("relu"), keeps_input=False),
    "leaky_relu": Activation(
        lambda: nn.LeakyReLU(LEAKY_SLOPE),
        nn.init.calculate_gain("leaky_relu", LEAKY_SLOPE),
        keeps_input=True,
    ),
    "swish": Activation(nn.SiLU, 1.67653, keeps_input=True),
    "tanh": Activation(nn.Tanh, nn.init.calculate_gain("tanh"), keeps_input=False),
    "sigmoid": Activation(nn.Sigmoid, nn.init.calculate_gain("sigmoid"), keeps_input=False),
    "elu": Activation(nn.ELU, 1.24520, keeps_input=True),
    "selu": Activation(nn.SELU, 1.0, keeps_input=True),
    "gelu": Activation(nn.GELU, 1.53353, keeps_input=True),
}
