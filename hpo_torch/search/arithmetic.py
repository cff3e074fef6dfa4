"""How much a network multiplies and adds for one example, without building it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.errors import UnknownNameError
from hpo_torch.search.cnn_shapes import block_filters, block_sizes
from hpo_torch.search.hidden_layers import hidden_widths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GATES: Final = 4


def multiply_adds(
    family: str, hyperparameters: Mapping[str, Any], input_shape: tuple[int, ...], num_classes: int
) -> int:
    """Count the multiply-adds of a forward pass of one example: half its FLOPs.

    Those of convolutions, fully connected layers and the products within an LSTM; what activations,
    pooling and normalisation take is not in it. A text is as long as `sequence_length`.

    Args:
        family: Model family: "cnn" or "lstm".
        hyperparameters: A complete configuration.
        input_shape: (channels, height, width) of an image; of texts it is not looked at.
        num_classes: Number of outputs.

    Raises:
        UnknownNameError: There is no such family.
    """
    if family not in _BODIES:
        raise UnknownNameError("model family", family, _BODIES)
    body, features = _BODIES[family](hyperparameters, input_shape)
    layers = (features, *hidden_widths(hyperparameters), num_classes)
    return body + sum(inputs * outputs for inputs, outputs in pairwise(layers))


def _convolutions(values: Mapping[str, Any], input_shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the multiply-adds of the blocks, and how many features leave them."""
    channels, *sides = input_shape
    names = ("conv_layers", "kernel_size", "padding", "pool_size")
    heights, widths = (
        (side, *block_sizes(side, **{name: values[name] for name in names})) for side in sides
    )
    kernel: int = values["kernel_size"]
    lost = kernel - 1 if values["padding"] == "valid" else 0
    inputs = 1 if values["grayscale"] else channels
    products = 0
    for block, filters in enumerate(block_filters(values)):
        positions = (heights[block] - lost) * (widths[block] - lost)
        products += positions * kernel**2 * inputs * filters
        inputs = filters
    features = sum(block_filters(values)) if values["multi_scale"] else inputs
    return products, features * (1 if values["global_pooling"] else heights[-1] * widths[-1])


def _recurrences(values: Mapping[str, Any], _input_shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the multiply-adds of the LSTM layers, and how many features leave them."""
    units: int = values["lstm_units"]
    directions = 2 if values["bidirectional"] else 1
    inputs, products = int(values["embedding_dim"]), 0
    for _ in range(values["lstm_layers"]):
        products += directions * _GATES * units * (inputs + units)
        inputs = directions * units
    return values["sequence_length"] * products, inputs


_BODIES: Final[Mapping[str, Callable[[Mapping[str, Any], tuple[int, ...]], tuple[int, int]]]] = {
    "cnn": _convolutions,
    "lstm": _recurrences,
}
