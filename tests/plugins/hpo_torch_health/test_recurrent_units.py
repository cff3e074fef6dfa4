from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from hpo_torch_health.gradient_health import GradientHealth, signal_profile
from hpo_torch_health.neuron_utilization import NeuronUtilization, alive_units
from hpo_torch_health.recurrent_units import StateSpread

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = 10


class Network(nn.Module):
    """Token ids to logits; the largest state decides, padding aside."""

    def __init__(self, *, packed: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.packed = packed
        self.embedding = nn.Embedding(50, 4, padding_idx=0)
        self.lstm = nn.LSTM(4, UNITS, batch_first=True)
        self.output = nn.Linear(UNITS, 3)

    def forward(self, ids: Tensor) -> Tensor:
        inside, embedded = ids != 0, self.embedding(ids)
        if self.packed:
            lengths = inside.sum(1).cpu()
            packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
            return self.output(self.lstm(packed)[1][0][-1])
        states = self.lstm(embedded)[0]
        return self.output(states.masked_fill(~inside.unsqueeze(2), -math.inf).amax(1))


def kill(lstm: nn.LSTM, units: int) -> None:
    """Hold the first units' output gates shut: their states are 0 at every step."""
    with torch.no_grad():
        lstm.bias_ih_l0[3 * UNITS : 3 * UNITS + units] = -1e6


@pytest.fixture
def ids() -> Tensor:
    """200 texts of 1 to 20 tokens."""
    ids = torch.randint(1, 50, (200, 20), generator=torch.Generator().manual_seed(1))
    lengths = torch.arange(200) % 20 + 1
    return ids.masked_fill(torch.arange(20) >= lengths.unsqueeze(1), 0)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("killed", [0, 3, UNITS])
def test_killed_units_are_counted_exactly(
    killed: int, packed: bool, ids: Tensor, make_probe: Callable, make_record: Callable
):
    network = Network(packed=packed)
    kill(network.lstm, killed)
    metric = NeuronUtilization()
    observed = metric.observe(make_probe(network, ids))
    reading = metric.score(make_record(observations=[observed]))
    assert reading.value == 1.0 - killed / UNITS
    assert reading.details["units"] == {"lstm": UNITS}


def test_saturated_gates_are_alive(ids: Tensor):
    network = Network()
    with torch.no_grad():
        for weight in network.lstm.parameters():
            weight.mul_(50)
    assert alive_units(network.eval(), ids)["lstm"].all()


def test_padding_does_not_wake_a_unit(ids: Tensor):
    """A unit that is 0.5 on tokens and something else on padding does not move."""

    class Constant(nn.LSTM):
        def forward(self, inputs):
            on_padding = (inputs == 0).all(2, keepdim=True)
            return torch.full_like(inputs, 0.5).masked_fill(on_padding, 9.0), None

    network = nn.Sequential(nn.Embedding(50, 4, padding_idx=0), Constant(4, 4, batch_first=True))
    assert not alive_units(network.eval(), ids)["1"].any()


@pytest.mark.parametrize("batch_first", [True, False])
def test_layers_of_real_inputs_need_no_padding(batch_first: bool):
    network = nn.GRU(4, UNITS, batch_first=batch_first).eval()
    assert alive_units(network, torch.rand(40, 6, 4))[""].all()


def test_state_spread_is_the_deviation_of_all_chunks_together():
    states = torch.randn(1000, 3, dtype=torch.float64) * torch.tensor([1e-4, 1.0, 5.0]) + 7
    deviation = states.std(0, correction=0)
    spread = StateSpread()
    for chunk in states.split(170):
        spread.add(chunk)
    torch.testing.assert_close((spread._squares / 1000).sqrt(), deviation)


@pytest.mark.parametrize(("factor", "alive"), [(0.99, False), (1.01, True)])
def test_state_spread_draws_the_line_at_1e_4(factor: float, alive: bool):
    spread = StateSpread()
    # Population deviation of +-d is d, whichever chunk a value is in.
    spread.add(torch.full((50, 1), factor * 1e-4, dtype=torch.float64))
    spread.add(torch.full((50, 1), -factor * 1e-4, dtype=torch.float64))
    assert spread.alive().tolist() == [alive]


@pytest.mark.parametrize("packed", [False, True])
def test_signal_profile_has_the_states_gradient(packed: bool, ids: Tensor):
    network, labels = Network(packed=packed).eval(), torch.arange(200) % 3
    profile = signal_profile(network, ids, labels)
    assert list(profile) == ["lstm", "output"]
    # dL/dh = dL/dz W: of the largest states, or (packed) of what the layer returns as the last.
    z = network(ids).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(z, labels), z)
    assert profile["output"] == pytest.approx(gradient.norm().item(), rel=1e-5)
    pooled = (gradient @ network.output.weight).norm().item()
    assert profile["lstm"] == pytest.approx(pooled, rel=1e-5)


def test_gradient_health_of_a_recurrent_network_is_a_number(
    ids: Tensor, make_probe: Callable, make_record: Callable
):
    metric = GradientHealth()
    observed = metric.observe(make_probe(Network(), ids, torch.arange(200) % 3))
    reading = metric.score(make_record(observations=[observed], gradient_norms=[1.0] * 10))
    assert reading.value == 1.0
