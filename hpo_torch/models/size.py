"""How large a network is, built or not: parameters, and memory of one training step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.overrides import TorchFunctionMode

from hpo_torch.errors import UnknownNameError
from hpo_torch.models.activations import ACTIVATIONS
from hpo_torch.models.build import build_network
from hpo_torch.models.hidden import dropout_rates
from hpo_torch.search.cnn_shapes import block_filters, block_sizes
from hpo_torch.search.hidden_layers import hidden_widths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

# Extra copies of the weights that each optimiser keeps (moments, momentum).
OPTIMIZER_COPIES: Final[Mapping[str, int]] = {"adam": 2, "adamw": 2, "rmsprop": 1, "sgd": 1}
BYTES_PER_FLOAT: Final = 4

_INT64: Final = 2  # floats that an index takes


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; one used twice counts once."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_configuration(
    family: str,
    hyperparameters: Mapping[str, Any],
    input_shape: tuple[int, ...],
    num_classes: int,
) -> int:
    """Return how many trainable parameters a configuration would have, without any memory.

    Takes no random numbers from the CPU's generator: weights live on the meta device.
    """
    with torch.device("meta"), _WithoutDraws():
        network = build_network(family, hyperparameters, input_shape, num_classes)
    return count_parameters(network)


class _WithoutDraws(TorchFunctionMode):
    """Leaves weights as they are where they would be drawn.

    On the meta device nothing would be drawn either, but torch would import its compiler for it,
    which takes two seconds.
    """

    _DRAWS = frozenset({"normal_", "uniform_", "kaiming_uniform_"})

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func.__name__ in self._DRAWS:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def weight_memory(parameters: int, optimizer: str) -> int:
    """Return the bytes of so many weights, their gradients, and the optimiser's copies."""
    return parameters * BYTES_PER_FLOAT * (2 + OPTIMIZER_COPIES[optimizer])


def estimate_step_memory(
    family: str,
    hyperparameters: Mapping[str, Any],
    input_shape: tuple[int, ...],
    num_classes: int,
    *,
    accumulate: int = 1,
) -> int:
    """Estimate the bytes of one training step of a configuration, without building it.

    weights x (2 + the optimiser's copies) + what the forward pass keeps for the backward pass, of
    ceil(batch_size / accumulate) examples; all in float32, so that mixed precision needs less, and
    texts as long as `sequence_length`. Buffers that exist only within an operation (cuDNN's, the
    backward pass's of one layer) are left out.

    Args:
        family: Model family: "cnn" or "lstm".
        hyperparameters: A complete configuration.
        input_shape: As of `build_network`.
        num_classes: Number of outputs.
        accumulate: Parts of a batch that go through the network one after another.

    Raises:
        UnknownNameError: There is no such family.
    """
    if family not in _KEPT_FLOATS:
        raise UnknownNameError("model family", family, _KEPT_FLOATS)
    parameters = count_configuration(family, hyperparameters, input_shape, num_classes)
    weights = weight_memory(parameters, hyperparameters["optimizer"])
    examples: int = math.ceil(hyperparameters["batch_size"] / accumulate)
    kept = _KEPT_FLOATS[family](hyperparameters, input_shape)
    kept += _head_floats(hyperparameters) + num_classes + _INT64  # log-probabilities and label
    return weights + round(examples * kept * BYTES_PER_FLOAT)


def _cnn_floats(values: Mapping[str, Any], input_shape: tuple[int, ...]) -> float:
    """Count what an example leaves up to the first hidden layer's input.

    Each block of f filters keeps, of the convolution's output, what the activation needs (its input
    or its output), and what pooling reads; of the pooled map, indices (int64), the map itself, and
    the normalised one, which the next layer reads. Where all of them are classified, each is pooled
    once more, and they are put together.
    """
    channels, *sides = input_shape
    names = ("conv_layers", "kernel_size", "padding", "pool_size")
    heights, widths = (
        (side, *block_sizes(side, **{name: values[name] for name in names})) for side in sides
    )
    lost = values["kernel_size"] - 1 if values["padding"] == "valid" else 0
    maps = 1 + ACTIVATIONS[values["activation"]].keeps_input
    channels = 1 if values["grayscale"] else channels
    floats = channels * heights[0] * widths[0]
    for block, filters in enumerate(block_filters(values)):
        convolved = filters * (heights[block] - lost) * (widths[block] - lost)
        pooled = filters * heights[block + 1] * widths[block + 1]
        floats += maps * convolved + (1 + values["batch_norm"] + _INT64) * pooled
    if values["multi_scale"]:
        every = sum(block_filters(values))
        together = every * heights[-1] * widths[-1]
        floats += _INT64 * together + (every if values["global_pooling"] else together)
    elif values["global_pooling"]:
        floats += filters - pooled
    return float(floats)


def _lstm_floats(values: Mapping[str, Any], _input_shape: tuple[int, ...]) -> float:
    """Count what an example leaves up to the first hidden layer's input.

    A time step of a layer from n inputs to u units keeps input and states, and the workspace of
    oneDNN's LSTM on a CPU, measured as 9 u + 6.2 max(n, u) floats (within 5 % for n and u from 32
    to 512, torch 2.14). The second direction also keeps the input before it is turned round.
    """
    units = values["lstm_units"]
    directions = 2 if values["bidirectional"] else 1
    inputs, step = values["embedding_dim"], float(_INT64)
    for _ in range(values["lstm_layers"]):
        workspace = 9 * units + 6.2 * max(inputs, units)
        step += directions * (workspace + inputs + units) + (directions - 1) * inputs
        inputs = directions * units
    if values["pooling"] == "max":
        step += inputs
    return float(values["sequence_length"] * step + inputs)


def _head_floats(values: Mapping[str, Any]) -> int:
    """Count what the hidden layers keep: activation, dropout's mask, and what comes out."""
    keeps_input = ACTIVATIONS[values["hidden_activation"]].keeps_input
    pairs = zip(hidden_widths(values), dropout_rates(values), strict=True)
    return sum(width * (3 if rate > 0 else 1 + keeps_input) for width, rate in pairs)


_KEPT_FLOATS: Final[Mapping[str, Callable[[Mapping[str, Any], tuple[int, ...]], float]]] = {
    "cnn": _cnn_floats,
    "lstm": _lstm_floats,
}
