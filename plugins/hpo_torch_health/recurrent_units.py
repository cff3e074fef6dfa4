"""The hidden units of recurrent layers: do their states move at all?"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

STILL_DEVIATION = 1e-4


def recurrent_states(output: Any) -> Tensor:
    """Return all states in what an `nn.LSTM`, `nn.GRU` or `nn.RNN` returned.

    Returns:
        [batch, time, units] or [time, batch, units] as the layer has them, or [N, units] of a
        packed sequence, which holds no padding.
    """
    states = output[0]
    unpacked: Tensor = states.data if isinstance(states, PackedSequence) else states
    return unpacked


def layer_outputs(output: Any) -> tuple[Tensor, ...]:
    """Return what of a layer's output a loss can depend on: a tensor, or all and the last states.

    A classifier may read an LSTM's states, or only what it returns as the last ones.
    """
    if isinstance(output, torch.Tensor):
        return (output,)
    last = output[1][0] if isinstance(output[1], tuple) else output[1]
    return recurrent_states(output), last


def without_cudnn(network: nn.Module) -> AbstractContextManager[None]:
    """Let a forward pass in eval mode be followed by a backward one.

    On a GPU, cuDNN's recurrent layers refuse that; torch's own do not. Networks without recurrent
    layers keep cuDNN.
    """
    if any(isinstance(module, nn.RNNBase) for module in network.modules()):
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def inside_texts(inputs: Tensor) -> Tensor | None:
    """Return bool [P, T], True where token ids are no padding (0); None for other inputs."""
    if inputs.ndim == len("PT") and not inputs.is_floating_point():
        return inputs != 0
    return None


def real_states(module: nn.RNNBase, states: Tensor, inside: Tensor | None) -> Tensor:
    """Return the states [N, units] of real time steps: padding may look like a still unit.

    Args:
        module: The layer; says which axis is time.
        states: From `recurrent_states`.
        inside: bool [P, T]; applies where the layer's steps are the inputs', padded at the end.
    """
    if states.ndim == len("NU"):
        return states
    if not module.batch_first:
        states = states.transpose(0, 1)
    if inside is None or states.shape[:2] != inside.shape:
        return states.flatten(0, 1)
    return states[inside]


class StateSpread:
    """Standard deviation of each unit's state, over examples and time, chunk by chunk.

    In float64, chunks merged by the formula of Chan, Golub and LeVeque (1979).
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0

    def add(self, states: Tensor) -> None:
        """Count states [N, units]."""
        states = states.detach().double()
        count, mean = len(states), states.mean(0)
        squares = (states - mean).square().sum(0)
        total = self._count + count
        shift = mean - self._mean
        self._squares = self._squares + squares + shift.square() * (self._count * count / total)
        self._mean = self._mean + shift * (count / total)
        self._count = total

    def alive(self) -> Tensor:
        """Return bool [units]: deviation above 1e-4; not a number counts as dead."""
        return torch.as_tensor(self._squares) / self._count > STILL_DEVIATION**2
