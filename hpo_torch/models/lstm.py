"""Recurrent networks for texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn
from torch.nn import functional

from hpo_torch.models.hidden import build_head

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

PADDING: Final = 0
EMBEDDING_DEVIATION: Final = 0.1


def build_lstm(
    hyperparameters: Mapping[str, Any], input_shape: tuple[int, ...], num_classes: int
) -> LstmNetwork:
    """Build an LSTM network, its weights drawn from torch's global generator.

    Args:
        hyperparameters: A complete configuration of `hpo_torch.search.lstm_space`.
        input_shape: (D,): D distinct tokens, of which the `vocab_size` commonest are known.
        num_classes: Number of outputs.

    Returns:
        A module from int64 [N, T] token ids, 0 after a text's end, to logits [N, num_classes].
    """
    return LstmNetwork(
        hyperparameters, min(hyperparameters["vocab_size"], input_shape[0]), num_classes
    )


class SequenceDropout(nn.Module):
    """Dropout of whole features: what is dropped is dropped at every time step.

    So it cannot be undone from the neighbouring steps (Gal and Ghahramani, arXiv 1512.05287).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"rate={self.rate:g}"

    def forward(self, states: Tensor) -> Tensor:
        """Drop features of [B, T, F]."""
        if not self.training or self.rate == 0.0:
            return states
        kept = states.new_ones(states.shape[0], 1, states.shape[2])
        return states * functional.dropout(kept, self.rate)


class LstmLayer(nn.Module):
    """One layer in one or both directions over padded sequences, without seeing the padding.

    The backward direction is an LSTM that runs forwards over each sequence turned round in place,
    so that its padding, too, comes after its end and reaches no state before. On a CPU that takes
    a tenth of the time of `pack_padded_sequence`, for which torch has no fast kernel there
    (benchmarks/lstm_padding.py).
    """

    def __init__(self, inputs: int, units: int, *, bidirectional: bool) -> None:
        super().__init__()
        self.forwards = _lstm(inputs, units)
        self.backwards = _lstm(inputs, units) if bidirectional else None

    def forward(self, inputs: Tensor, turned: Tensor) -> Tensor:
        """Return the states [B, T, units or 2 x units] of inputs [B, T, F].

        Args:
            inputs: Padded at the end.
            turned: int64 [B, T], see `turned_positions`.
        """
        states: Tensor = self.forwards(inputs)[0]
        if self.backwards is None:
            return states
        back: Tensor = self.backwards(_at(inputs, turned))[0]
        return torch.cat((states, _at(back, turned)), dim=2)


def turned_positions(inside: Tensor) -> Tensor:
    """Return where each position of a sequence goes when it is turned round; padding stays.

    Args:
        inside: bool [B, T], True up to each sequence's end.
    """
    place = torch.arange(inside.shape[1], device=inside.device)
    last = inside.sum(1, keepdim=True) - 1
    return torch.where(inside, last - place, place)


def pool_last(states: Tensor, inside: Tensor, units: int) -> Tensor:
    """Return the forward states at each sequence's end, and the backward ones at its beginning."""
    last = (inside.sum(1) - 1).view(-1, 1, 1).expand(-1, 1, units)
    forwards = states[:, :, :units].gather(1, last).squeeze(1)
    return torch.cat((forwards, states[:, 0, units:]), dim=1)


def pool_max(states: Tensor, inside: Tensor, units: int) -> Tensor:
    """Return each state's largest value up to the sequence's end."""
    return states.masked_fill(~inside.unsqueeze(2), -torch.inf).amax(1)


def pool_mean(states: Tensor, inside: Tensor, units: int) -> Tensor:
    """Return each state's mean up to the sequence's end."""
    total = states.masked_fill(~inside.unsqueeze(2), 0.0).sum(1)
    return total / inside.sum(1, keepdim=True)


POOLINGS: Final[Mapping[str, Callable[[Tensor, Tensor, int], Tensor]]] = {
    "last": pool_last,
    "max": pool_max,
    "mean": pool_mean,
}


class LstmNetwork(nn.Module):
    """Embedding, LSTM layers, pooling over time, hidden layers, output.

    Args:
        hyperparameters: As of `build_lstm`.
        tokens: Number of rows of the embedding.
        num_classes: Number of outputs.
    """

    def __init__(self, hyperparameters: Mapping[str, Any], tokens: int, num_classes: int) -> None:
        super().__init__()
        self.units: int = hyperparameters["lstm_units"]
        self.pool = POOLINGS[hyperparameters["pooling"]]
        bidirectional: bool = hyperparameters["bidirectional"]
        features: int = hyperparameters["embedding_dim"]
        self.embedding = _embedding(tokens, features)
        self.text_dropout = SequenceDropout(hyperparameters["text_dropout"])
        self.lstm = nn.ModuleList()
        for _ in range(hyperparameters["lstm_layers"]):
            self.lstm.append(LstmLayer(features, self.units, bidirectional=bidirectional))
            features = self.units * (2 if bidirectional else 1)
        self.recurrent_dropout = SequenceDropout(hyperparameters["recurrent_dropout"])
        self.head = nn.Sequential(build_head(hyperparameters, features, num_classes))

    def forward(self, ids: Tensor) -> Tensor:
        """Map int64 [N, T] token ids to logits [N, classes]."""
        inside = ids != PADDING
        turned = turned_positions(inside)
        states = self.text_dropout(self.embedding(ids))
        for layer in self.lstm:
            states = self.recurrent_dropout(layer(states, turned))
        logits: Tensor = self.head(self.pool(states, inside, self.units))
        return logits


def _embedding(tokens: int, dimensions: int) -> nn.Embedding:
    embedding = nn.Embedding(tokens, dimensions, padding_idx=PADDING)
    nn.init.normal_(embedding.weight, 0.0, EMBEDDING_DEVIATION)
    with torch.no_grad():
        embedding.weight[PADDING].zero_()
    return embedding


def _lstm(inputs: int, units: int) -> nn.LSTM:
    """Draw each gate's input weights by Glorot, make its recurrent ones orthogonal.

    Biases are 0, but 1 for the forget gate (Jozefowicz et al. 2015), so that it remembers at first.
    """
    lstm = nn.LSTM(inputs, units, batch_first=True)
    for gate in lstm.get_parameter("weight_ih_l0").chunk(4):
        nn.init.xavier_uniform_(gate)
    for gate in lstm.get_parameter("weight_hh_l0").chunk(4):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(lstm.get_parameter("bias_hh_l0"))
    bias = nn.init.zeros_(lstm.get_parameter("bias_ih_l0"))
    with torch.no_grad():
        bias[units : 2 * units] = 1.0  # input, forget, cell and output gate, in this order
    return lstm


def _at(states: Tensor, positions: Tensor) -> Tensor:
    """Return [B, T, F] with time step t of each sequence taken from `positions`, int64 [B, T]."""
    return states.gather(1, positions.unsqueeze(2).expand_as(states))
