"""The hyperparameters of the fully connected layers before the output, in every family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from hpo_torch.config.schema import ForcedActivation
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.space import Parameter, When

if TYPE_CHECKING:
    from collections.abc import Mapping

FORCEABLE: Final[tuple[str, ...]] = get_args(ForcedActivation)
NARROWEST: Final = 8

INITIALIZER: Final = Parameter(
    "initializer",
    Choice(("he_normal", "glorot_uniform")),
    "he_normal",
    "Distribution of the initial weights of convolutions and fully connected layers, scaled to "
    "the activation that follows.",
)


def hidden_layers(*, most: int, widths: tuple[int, ...]) -> tuple[Parameter, ...]:
    """Return what is searched of the fully connected layers.

    Args:
        most: Largest number of layers.
        widths: Numbers of units of the first layer; 128 is the default.
    """
    deeper = When("hidden_layers", tuple(range(2, most + 1)))
    return (
        Parameter("hidden_layers", Int(1, most), 1, "Fully connected layers before the output."),
        Parameter(
            "hidden_units",
            Choice(widths),
            128,
            "Units of the first hidden layer.",
            allowed=Int(1, 4096),
        ),
        Parameter(
            "hidden_decrease",
            Float(0.25, 0.75),
            0.5,
            "Each further hidden layer's width as a share of the one before, at least 8 units.",
            allowed=Float(0.01, 1.0),
            when=deeper,
        ),
        Parameter(
            "hidden_activation",
            Choice(("relu", "leaky_relu", "sigmoid")),
            "relu",
            "Activation of the hidden layers.",
            allowed=Choice((*FORCEABLE, "sigmoid")),
        ),
        Parameter(
            "dropout",
            Float(0.0, 0.7),
            0.3,
            "Dropout after the first hidden layer; from 0, since batch normalisation and weight "
            "decay may regularise enough.",
            allowed=Float(0.0, 0.95),
        ),
        Parameter(
            "dropout_decrease",
            Float(0.1, 0.3),
            0.2,
            "Taken off dropout at each further hidden layer, down to 0.1.",
            allowed=Float(0.0, 1.0),
            when=deeper,
        ),
    )


def hidden_widths(hyperparameters: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the number of units of every hidden layer, each a share of the one before."""
    widths = [int(hyperparameters["hidden_units"])]
    while len(widths) < hyperparameters["hidden_layers"]:
        widths.append(max(NARROWEST, int(widths[-1] * hyperparameters["hidden_decrease"])))
    return tuple(widths)
