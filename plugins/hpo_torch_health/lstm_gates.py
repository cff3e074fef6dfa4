"""The gates of an `nn.LSTM`, which it does not return, computed again from what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

if TYPE_CHECKING:
    from torch import Tensor

    Sequences = Tensor | PackedSequence

GATES = ("input", "forget", "cell", "output")  # torch's order; the cell "gate" is a tanh, -1..1


def lstm_gates(
    lstm: nn.LSTM,
    inputs: Sequences,
    output: Sequences,
    initial: tuple[Tensor, Tensor] | None = None,
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Return the gates of every layer and direction, of all steps at once.

    W_ih x_t + W_hh h_(t-1) + b needs the states only, which the last layer returns; those of
    layers below are computed again.

    Args:
        lstm: In eval mode.
        inputs: Batched sequences as it took them, or packed ones.
        output: All states that it returned, in the same form.
        initial: (h_0, c_0) as it took them, zeros by default.

    Returns:
        Gates [B, T, 4, units] in the order of `GATES`, by torch's name of layer and direction
        ("l0", "l0_reverse"); and of packed sequences bool [B, T], True inside them.
    """
    gates: dict[str, Tensor] = {}
    directions = ("", "_reverse")[: 1 + lstm.bidirectional]
    if not lstm.batch_first:
        inputs, output = _batch_first(inputs), _batch_first(output)
    inside = None
    for layer in range(lstm.num_layers):
        here = slice(layer * len(directions), (layer + 1) * len(directions))
        start = None if initial is None else (initial[0][here], initial[1][here])
        last = layer == lstm.num_layers - 1
        states = output if last else _layer(lstm, layer, inputs)(inputs, start)[0]
        (x, inside), (h, _) = _padded(inputs), _padded(states)
        for number, direction in enumerate(directions):
            of_direction = h.chunk(len(directions), dim=2)[number]
            first = of_direction.new_zeros(1) if start is None else start[0][number]
            before = _before(of_direction, first, inside, backwards=bool(direction))
            gates[f"l{layer}{direction}"] = _gates(lstm, f"l{layer}{direction}", x, before)
        inputs = states
    return gates, inside


def _batch_first(sequences: Sequences) -> Sequences:
    return sequences if isinstance(sequences, PackedSequence) else sequences.transpose(0, 1)


def _layer(lstm: nn.LSTM, layer: int, inputs: Sequences) -> nn.LSTM:
    """One layer as an LSTM of its own, which shares the weights."""
    features = inputs.data.shape[-1]
    alone = nn.LSTM(
        features,
        lstm.hidden_size,
        bias=lstm.bias,
        batch_first=True,
        bidirectional=lstm.bidirectional,
        proj_size=lstm.proj_size,
        device="meta",
    )
    weights = {
        name.replace(f"_l{layer}", "_l0"): weight.detach()
        for name, weight in lstm.named_parameters()
        if name.removesuffix("_reverse").endswith(f"_l{layer}")
    }
    alone.load_state_dict(weights, assign=True)
    return alone.eval()


def _padded(sequences: Sequences) -> tuple[Tensor, Tensor | None]:
    if not isinstance(sequences, PackedSequence):
        return sequences, None
    padded, lengths = pad_packed_sequence(sequences, batch_first=True)
    inside = torch.arange(padded.shape[1]) < lengths.unsqueeze(1)
    return padded, inside.to(padded.device)


def _before(states: Tensor, first: Tensor, inside: Tensor | None, *, backwards: bool) -> Tensor:
    """Return h_(t-1) of states [B, T, H]; `first` [B, H] is before a sequence's first step.

    Backwards, that is after its last one, wherever its padding begins.
    """
    first = first.expand(len(states), states.shape[2]).unsqueeze(1)
    if not backwards:
        return torch.cat((first, states[:, :-1]), dim=1)
    shifted = torch.cat((states[:, 1:], first), dim=1)
    if inside is None:
        return shifted
    next_inside = nn.functional.pad(inside[:, 1:], (0, 1))
    return torch.where(next_inside.unsqueeze(2), shifted, first)


def _gates(lstm: nn.LSTM, name: str, inputs: Tensor, before: Tensor) -> Tensor:
    weights = dict(lstm.named_parameters())
    z = linear(inputs, weights[f"weight_ih_{name}"], weights.get(f"bias_ih_{name}"))
    z = z + linear(before, weights[f"weight_hh_{name}"], weights.get(f"bias_hh_{name}"))
    i, f, g, o = z.chunk(len(GATES), dim=2)
    return torch.stack((i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()), dim=2)
