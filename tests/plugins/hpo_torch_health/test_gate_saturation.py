from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from hpo_torch_health.gate_saturation import GateSaturation, gate_shares, saturated_shares

if TYPE_CHECKING:
    from collections.abc import Callable


def test_shares_by_hand_leave_out_the_cell_gate() -> None:
    gates = torch.full((10, 4, 2), 0.5)
    gates[:3, 0] = 0.05  # input gate: shut in 3 of 10 steps
    gates[:4, 1, 0] = 0.95  # forget gate: one of two units open in 4 of 10
    gates[:, 2] = -1.0
    shut, opened = saturated_shares(gates).tolist()
    assert shut == pytest.approx([0.3, 0.0, 0.0])
    assert opened == pytest.approx([0.0, 0.2, 0.0])


class Network(nn.Module):
    def __init__(self, **options: object) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 4, padding_idx=0)
        self.lstm = nn.LSTM(4, 6, batch_first=True, **options)
        for parameter in self.lstm.parameters():
            nn.init.zeros_(parameter)  # every gate is at 1/2

    def forward(self, ids: Tensor) -> Tensor:
        return self.lstm(input=self.embedding(ids))[0].amax(1)


@pytest.fixture
def ids() -> Tensor:
    ids = torch.randint(1, 20, (40, 12))
    return ids.masked_fill(torch.arange(12) > torch.arange(40).unsqueeze(1) % 12, 0)


def test_biases_hold_gates_shut_or_open(ids: Tensor) -> None:
    network = Network(bidirectional=True).eval()
    with torch.no_grad():
        network.lstm.bias_ih_l0[:6] = -50.0  # input gates shut
        network.lstm.bias_ih_l0[6:9] = 50.0  # half of the forget gates open
    shares = gate_shares(network, ids)
    assert list(shares) == ["lstm.l0", "lstm.l0_reverse"]
    shut, opened = shares["lstm.l0"].tolist()
    assert shut == [1.0, 0.0, 0.0]
    assert opened == pytest.approx([0.0, 0.5, 0.0])
    assert shares["lstm.l0_reverse"].sum() == 0.0


def test_padding_does_not_count(ids: Tensor) -> None:
    network = Network().eval()
    with torch.no_grad():
        # On padding the embedding is 0, and the gates are at 1/2; on tokens they are open.
        network.embedding.weight[1:] = 1.0
        network.lstm.weight_ih_l0.fill_(10.0)
    assert gate_shares(network, ids)["lstm.l0"][1].tolist() == [1.0, 1.0, 1.0]


def test_score_averages_gates_and_layers(
    ids: Tensor, make_probe: Callable, make_record: Callable
) -> None:
    network = Network()
    with torch.no_grad():
        network.lstm.bias_ih_l0[:6] = -50.0
    metric = GateSaturation()
    reading = metric.score(make_record(observations=[metric.observe(make_probe(network, ids))]))
    assert reading.value == pytest.approx(2 / 3)  # one of three gates is shut
    assert reading.details["saturated"] == pytest.approx({"lstm.l0": 1 / 3})


def test_without_an_lstm_there_is_no_value(make_probe: Callable, make_record: Callable) -> None:
    metric = GateSaturation()
    observed = metric.observe(make_probe(nn.Linear(3, 2), torch.ones(4, 3)))
    reading = metric.score(make_record(observations=[observed]))
    assert (reading.value, reading.applies) == (None, False)
    assert reading.reason == "the network has no nn.LSTM"
