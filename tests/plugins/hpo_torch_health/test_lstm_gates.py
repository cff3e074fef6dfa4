from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from hpo_torch_health.lstm_gates import lstm_gates

UNITS, STEPS, LENGTHS = 5, 7, (7, 3, 1, 5)


def states_from(gates: Tensor, start: Tensor, inside: Tensor, *, backwards: bool) -> Tensor:
    """Run c = f c + i g, h = o tanh(c) over gates [B, T, 4, units] that are given."""
    c, states = start, torch.zeros(len(gates), gates.shape[1], UNITS)
    for t in reversed(range(gates.shape[1])) if backwards else range(gates.shape[1]):
        i, f, g, o = gates[:, t].unbind(1)
        here = inside[:, t : t + 1]
        c = torch.where(here, f * c + i * g, c)
        states[:, t] = torch.where(here, o * c.tanh(), 0.0)
    return states


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("form", ["batch_first", "time_first", "packed"])
@pytest.mark.parametrize("given_start", [False, True])
def test_gates_give_the_states_that_the_lstm_returned(
    layers: int, bidirectional: bool, form: str, given_start: bool
) -> None:
    torch.manual_seed(0)
    directions = 1 + bidirectional
    lstm = nn.LSTM(
        3, UNITS, layers, batch_first=form == "batch_first", bidirectional=bidirectional
    ).eval()
    texts = torch.randn(len(LENGTHS), STEPS, 3)
    start = torch.randn(2, layers * directions, len(LENGTHS), UNITS) * given_start
    inputs: Tensor | PackedSequence = texts if form == "batch_first" else texts.transpose(0, 1)
    if form == "packed":
        inputs = pack_padded_sequence(texts, torch.tensor(LENGTHS), True, enforce_sorted=False)
    initial = (start[0], start[1]) if given_start else None
    with torch.no_grad():
        output = lstm(inputs, initial)[0]
        gates, packed = lstm_gates(lstm, inputs, output, initial)
    assert len(gates) == layers * directions
    inside = torch.arange(STEPS) < torch.tensor(LENGTHS).unsqueeze(1)
    if form == "packed":
        assert torch.equal(packed, inside)
        output = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0]
    else:
        assert packed is None
        inside = torch.ones_like(inside)
        output = output if form == "batch_first" else output.transpose(0, 1)
    expected = [
        states_from(gates[name], start[1, number], inside, backwards=name.endswith("reverse"))
        for number, name in enumerate(gates)
    ]
    of_last_layer = torch.cat(expected[-directions:], dim=2)
    torch.testing.assert_close(of_last_layer, output, rtol=0.0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_an_lstm_without_biases_and_with_projection() -> None:
    lstm = nn.LSTM(3, UNITS, 2, bias=False, proj_size=2, batch_first=True).eval()
    inputs = torch.randn(4, STEPS, 3)
    with torch.no_grad():
        gates, _ = lstm_gates(lstm, inputs, lstm(inputs)[0])
        z = inputs[:, 0] @ lstm.weight_ih_l0.T  # before the first step, there is no state
    assert gates["l1"].shape == (4, STEPS, 4, UNITS)
    torch.testing.assert_close(gates["l0"][:, 0, 0], z[:, :UNITS].sigmoid())
