from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hpo_torch.models.build import build_network
from hpo_torch.models.lstm import SequenceDropout, build_lstm, turned_positions
from hpo_torch.models.size import count_configuration, count_parameters
from hpo_torch.search.lstm_space import lstm_space

SPACE = lstm_space(1000, 5, 20)
SMALL = {"vocab_size": 50, "embedding_dim": 8, "lstm_units": 6, "hidden_units": 10}
LENGTHS = [1, 2, 5, 9]


def build(**fixed):
    torch.manual_seed(0)
    values = SPACE.defaults(SPACE.check_fixed({**SMALL, **fixed}))
    return build_lstm(values, (1000,), 3).eval()


def padded_batch() -> torch.Tensor:
    """Texts of 1, 2, 5 and 9 tokens, padded to 12."""
    ids = torch.randint(1, 50, (len(LENGTHS), 12), generator=torch.Generator().manual_seed(1))
    for row, length in enumerate(LENGTHS):
        ids[row, length:] = 0
    return ids


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("pooling", ["last", "max", "mean"])
def test_logits_are_the_same_alone_and_in_a_padded_batch(pooling, bidirectional, layers):
    network = build(pooling=pooling, bidirectional=bidirectional, lstm_layers=layers)
    ids = padded_batch()
    with torch.no_grad():
        together = network(ids)
        alone = torch.cat(
            [network(ids[row : row + 1, :length]) for row, length in enumerate(LENGTHS)]
        )
    torch.testing.assert_close(together, alone, rtol=0.0, atol=1e-6)
    assert together.std(0).min() > 1e-3  # so that equal logits would be noticed


@pytest.mark.parametrize("pooling", ["last", "max", "mean"])
def test_network_equals_torchs_packed_bidirectional_lstm(pooling):
    network = build(pooling=pooling)
    reference = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
    layer = network.lstm[0]
    for direction, suffix in ((layer.forwards, ""), (layer.backwards, "_reverse")):
        for name, weight in direction.named_parameters():
            reference.get_parameter(name + suffix).data.copy_(weight)
    ids = padded_batch()
    with torch.no_grad():
        packed = pack_padded_sequence(
            network.embedding(ids), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
        )
        states, (last, _) = reference(packed)
        states, _ = pad_packed_sequence(states, batch_first=True)
        rows = [states[row, :length] for row, length in enumerate(LENGTHS)]
        pooled = {
            "last": torch.cat((last[0], last[1]), dim=1),
            "max": torch.stack([row.amax(0) for row in rows]),
            "mean": torch.stack([row.mean(0) for row in rows]),
        }[pooling]
        torch.testing.assert_close(network(ids), network.head(pooled), rtol=0.0, atol=1e-6)


def test_padding_gets_no_gradient():
    network = build()
    network(padded_batch()).sum().backward()
    assert torch.equal(network.embedding.weight.grad[0], torch.zeros(8))
    assert network.embedding.weight.grad.abs().sum() > 0


def test_turned_positions_turn_texts_and_leave_padding():
    inside = torch.tensor([[True, True, True, False], [True, False, False, False]])
    assert turned_positions(inside).tolist() == [[2, 1, 0, 3], [0, 1, 2, 3]]


def test_sequence_dropout_drops_a_feature_at_every_step_or_none():
    torch.manual_seed(0)
    dropped = SequenceDropout(0.25)(torch.ones(50, 7, 40))
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(dropped, dropped[:, :1].expand(-1, 7, -1))
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.03)


def test_sequence_dropout_does_nothing_in_evaluation():
    states = torch.rand(2, 3, 4)
    assert torch.equal(SequenceDropout(0.5).eval()(states), states)


def test_lstm_starts_by_remembering():
    lstm = build().lstm[0].forwards
    bias = lstm.bias_ih_l0 + lstm.bias_hh_l0
    assert bias.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
    for gate in lstm.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), rtol=0.0, atol=1e-5)


def test_embedding_has_no_row_without_a_token():
    values = SPACE.defaults(SPACE.check_fixed(SMALL))
    assert build_lstm(values, (1000,), 3).embedding.num_embeddings == 50
    assert build_lstm(values, (20,), 3).embedding.num_embeddings == 20


def test_number_of_parameters_is_what_the_layers_add_up_to():
    values = SPACE.defaults(SPACE.check_fixed(SMALL))
    lstm = 2 * (4 * 6 * (8 + 6) + 2 * 4 * 6)
    expected = 50 * 8 + lstm + (12 * 10 + 10) + (10 * 3 + 3)
    assert count_parameters(build_network("lstm", values, (1000,), 3)) == expected
    assert count_configuration("lstm", values, (1000,), 3) == expected
