from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from hpo_torch_health.neuron_utilization import NeuronUtilization, alive_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.plugin_api import Probe, TrainingRecord

UNITS = 40


def forced_alive(activation: nn.Module, killed: int, scale: float = 1.0) -> nn.Sequential:
    """Every unit's input is about 1 on positive examples, except that `killed` are at -1e6."""
    linear = nn.Linear(8, UNITS)
    with torch.no_grad():
        linear.weight.fill_(scale / 8)
        linear.bias.fill_(0.1)
        linear.bias[:killed] = -1e6
    return nn.Sequential(linear, activation, nn.Linear(UNITS, 3)).eval()


@pytest.fixture
def inputs() -> Tensor:
    return torch.rand(256, 8, generator=torch.Generator().manual_seed(0)) + 0.5


def score(network: nn.Module, inputs: Tensor, make: Callable, record: Callable) -> float | None:
    metric = NeuronUtilization()
    observed = metric.observe(make(network, inputs))
    return metric.score(record(observations=[observed])).value


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize(
    "activation",
    [nn.ReLU, nn.SiLU, nn.Tanh, nn.ELU, nn.SELU, nn.GELU, nn.Sigmoid, nn.Mish, nn.ReLU6],
)
def test_killed_units_are_counted_exactly(
    activation: type[nn.Module],
    share: float,
    inputs: Tensor,
    make_probe: Callable[..., Probe],
    make_record: Callable[..., TrainingRecord],
) -> None:
    network = forced_alive(activation(), killed=int(share * UNITS))
    assert score(network, inputs, make_probe, make_record) == 1.0 - share


def test_leaky_relu_cannot_be_dead(
    inputs: Tensor, make_probe: Callable, make_record: Callable
) -> None:
    network = forced_alive(nn.LeakyReLU(), killed=UNITS // 2)
    assert score(network, inputs, make_probe, make_record) == 1.0


def test_tanh_is_dead_when_saturated_on_either_side(
    inputs: Tensor, make_probe: Callable, make_record: Callable
) -> None:
    network = forced_alive(nn.Tanh(), killed=10, scale=1000.0)
    assert score(network, inputs, make_probe, make_record) == 0.0


def test_dead_tanh_threshold_is_on_the_slope(make_probe: Callable) -> None:
    # 1 - tanh(z)^2 is 1.34e-3 at z = 4 and 4.9e-4 at z = 4.5; the limit is 1e-3.
    network = nn.Sequential(nn.Tanh())
    alive = alive_units(network, torch.tensor([[4.0, 4.5, -4.0, -4.5]]))
    assert alive["0"].tolist() == [True, False, True, False]


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU6(), nn.PReLU(2, init=0.0)], ids=str)
def test_a_unit_alive_in_one_position_of_the_last_example_is_alive(activation: nn.Module) -> None:
    images = torch.full((300, 2, 4, 4), -1.0)
    images[299, 1, 3, 2] = 0.5
    assert alive_units(nn.Sequential(activation), images)["0"].tolist() == [False, True]


def direct_alive(network: nn.Sequential, inputs: Tensor) -> dict[str, list[bool]]:
    """Slow reference: autograd of each activation on the whole probe."""
    alive, z = {}, inputs
    for name, module in network.named_children():
        if isinstance(module, (nn.ReLU, nn.PReLU, nn.Hardtanh, nn.Tanh)):
            leaf = z.detach().requires_grad_()
            slopes = torch.autograd.grad(module(leaf.clone()).sum(), leaf)[0].abs()
            alive[name] = [bool(unit.max() > 1e-3) for unit in slopes.transpose(0, 1)]
        z = module(z)
    return alive


@pytest.mark.parametrize("activation", [nn.ReLU, nn.PReLU, nn.Hardtanh, nn.Tanh])
def test_chunks_agree_with_the_whole_probe(activation: type[nn.Module]) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(1, 12, 3), activation(), nn.Flatten(), nn.Linear(12 * 36, 30), activation()
    ).eval()
    with torch.no_grad():
        network[0].bias -= torch.linspace(0, 5, 12)
        network[3].weight *= 10
        network[3].bias -= torch.linspace(0, 40, 30)
    if isinstance(network[1], nn.PReLU):
        network[1] = nn.PReLU(12, init=0.0)
        network[4] = nn.PReLU(30, init=0.0)
    images = torch.rand(300, 1, 8, 8)
    alive = {name: units.tolist() for name, units in alive_units(network, images).items()}
    assert alive == direct_alive(network, images)
    assert not all(alive["1"] + alive["4"])


def test_more_examples_never_lower_it(make_probe: Callable, make_record: Callable) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
    with torch.no_grad():
        network[0].bias -= 1.2
    inputs = torch.randn(512, 256)
    values = [score(network, inputs[:p], make_probe, make_record) for p in (1, 8, 32, 128, 512)]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_in_place_reads_the_same_as_out_of_place() -> None:
    torch.manual_seed(0)
    layers = nn.Linear(16, 64), nn.Linear(64, 64)
    inputs = torch.randn(200, 16)
    with torch.no_grad():
        layers[0].bias -= 2.0
    alive = [
        alive_units(nn.Sequential(layers[0], nn.ReLU(i), layers[1], nn.ReLU(i)), inputs)
        for i in (False, True)
    ]
    assert 0 < int(alive[0]["1"].sum()) < 64
    assert all(torch.equal(alive[0][name], alive[1][name]) for name in ("1", "3"))


def test_a_reused_instance_is_told_apart_by_call() -> None:
    relu = nn.ReLU()
    network = nn.Sequential(relu, nn.Linear(2, 3, bias=False), relu).eval()
    with torch.no_grad():
        network[1].weight.fill_(1.0)
    alive = alive_units(network, torch.tensor([[1.0, -1.0]]))
    assert {name: units.tolist() for name, units in alive.items()} == {
        "0": [True, False],
        "0#2": [True, True, True],
    }


def test_watching_leaves_no_trace() -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh())
    kept = []
    network[0].register_forward_hook(lambda _m, _a, output: kept.append(weakref.ref(output)))
    gc.disable()  # what is left must be free without the collector
    try:
        for _ in range(50):
            alive_units(network, torch.rand(40, 4))
        assert len(kept) >= 50
        assert {ref() for ref in kept} == {None}
    finally:
        gc.enable()
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_hooks_are_removed_when_the_network_raises() -> None:
    network = nn.Sequential(nn.ReLU(), nn.Linear(4, 8))
    with pytest.raises(RuntimeError):
        alive_units(network, torch.rand(40, 5))
    assert not network[0]._forward_pre_hooks


def test_units_without_a_number_are_dead() -> None:
    assert alive_units(nn.Sequential(nn.Tanh()), torch.full((4, 2), torch.nan))["0"].sum() == 0


def test_without_activation_modules_there_is_no_value(
    make_probe: Callable, make_record: Callable
) -> None:
    metric = NeuronUtilization()
    observed = metric.observe(make_probe(nn.Sequential(nn.Linear(4, 2)), torch.ones(3, 4)))
    reading = metric.score(make_record(observations=[observed]))
    assert (reading.value, reading.reason) == (None, "no activation modules found")


def test_score_is_of_the_kept_epoch_and_alerts_to_the_newest(make_record: Callable) -> None:
    good = {"alive": {"a": 3, "b": 8}, "units": {"a": 4, "b": 8}, "probe_size": 512}
    bad = {"alive": {"a": 0, "b": 8}, "units": {"a": 4, "b": 8}, "probe_size": 512}
    record = make_record(val_losses=(1.0, 2.0), observations=[good, bad], kept_epoch=0)
    reading = NeuronUtilization().score(record)
    assert reading.value == pytest.approx(11 / 12)
    assert reading.details["alive"] == {"a": 0.75, "b": 1.0}
    assert (reading.details["worst_layer"], reading.details["dead_units"]) == ("a", 1)
    assert reading.details["alarms"] == ["all 4 units of activation 'a' are dead"]
