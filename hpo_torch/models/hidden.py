"""The fully connected layers between features and output, the same in every family."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from hpo_torch.models.activations import ACTIVATIONS
from hpo_torch.models.initializers import initialize
from hpo_torch.search.hidden_layers import hidden_widths

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST_DROPOUT: Final = 0.1


def dropout_rates(hyperparameters: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the dropout after every hidden layer: falling to 0.1, never above the first."""
    first = float(hyperparameters["dropout"])
    rates = [first]
    while len(rates) < hyperparameters["hidden_layers"]:
        lower = first - len(rates) * hyperparameters["dropout_decrease"]
        rates.append(max(min(LEAST_DROPOUT, first), lower))
    return tuple(rates)


def build_head(
    hyperparameters: Mapping[str, Any], in_features: int, num_classes: int
) -> OrderedDict[str, nn.Module]:
    """Build the hidden layers and the output layer.

    Args:
        hyperparameters: A complete configuration.
        in_features: Number of features of an example.
        num_classes: Number of outputs (logits).

    Returns:
        Modules by name, in forward order: hidden1 (linear, activation, dropout) ..., output.
    """
    activation = ACTIVATIONS[hyperparameters["hidden_activation"]]
    initializer = hyperparameters["initializer"]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    pairs = zip(hidden_widths(hyperparameters), dropout_rates(hyperparameters), strict=True)
    for number, (width, dropout) in enumerate(pairs, start=1):
        linear = nn.Linear(in_features, width)
        initialize(linear, initializer, activation.gain)
        layers[f"hidden{number}"] = nn.Sequential(
            OrderedDict(linear=linear, activation=activation.make(), dropout=nn.Dropout(dropout))
        )
        in_features = width
    output = nn.Linear(in_features, num_classes)
    initialize(output, initializer, 1.0)
    layers["output"] = output
    return layers
