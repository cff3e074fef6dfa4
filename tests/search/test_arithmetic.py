"""Multiply-adds against torch's own count of the built network, and by hand."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hpo_torch.errors import UnknownNameError
from hpo_torch.models.build import build_network
from hpo_torch.search.arithmetic import multiply_adds
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.lstm_space import lstm_space

SHAPE = (3, 30, 22)
CNN = cnn_space(SHAPE, 1000, 5, 20)
LSTM = lstm_space(1000, 5, 20)
CONFIGURATIONS = [
    {},
    {"conv_layers": 3, "filter_growth": 2, "kernel_size": 5},
    {"padding": "valid", "grayscale": True, "batch_norm": False},
    {"multi_scale": True, "conv_layers": 2},
    {"multi_scale": True, "global_pooling": True, "conv_layers": 3},
    {"global_pooling": True, "hidden_layers": 3, "hidden_decrease": 0.4, "dropout_decrease": 0.1},
]


@pytest.mark.parametrize("changes", CONFIGURATIONS)
def test_a_cnn_counts_what_torch_counts(changes):
    values = CNN.defaults(changes) | changes
    network = build_network("cnn", values, SHAPE, 7).eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *SHAPE))
    assert 2 * multiply_adds("cnn", values, SHAPE, 7) == counter.get_total_flops()


def test_an_lstm_by_hand():
    values = LSTM.defaults({}) | {
        "sequence_length": 10,
        "embedding_dim": 3,
        "lstm_units": 5,
        "lstm_layers": 2,
        "bidirectional": True,
        "hidden_layers": 1,
        "hidden_units": 8,
    }
    # Ten steps of two directions of four gates: 5 units see 3 features and 5 states, then 10 and 5.
    recurrences = 10 * 2 * 4 * (5 * (3 + 5) + 5 * (10 + 5))
    assert multiply_adds("lstm", values, (500,), 2) == recurrences + 10 * 8 + 8 * 2


def test_another_family_is_refused():
    with pytest.raises(UnknownNameError, match="cnm"):
        multiply_adds("cnm", {}, (1, 8, 8), 2)
