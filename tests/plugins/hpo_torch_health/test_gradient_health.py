from __future__ import annotations

import gc
import itertools
import math
import weakref
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from hpo_torch.health.gradient_recorder import GradientRecorder
from hpo_torch_health.gradient_health import (
    GradientHealth,
    depth_decades,
    depth_score,
    finite_share,
    signal_profile,
    spike_share,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def mlp(depth: int, activation: type[nn.Module], gain: float | None, width: int = 128) -> nn.Module:
    """`depth` hidden layers; gain: weights N(0, gain^2 / fan_in), biases 0; None: torch's own."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    sizes = [64, *[width] * depth]
    for size_in, size_out in itertools.pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), activation()]
    layers.append(nn.Linear(width, 10))
    network = nn.Sequential(*layers)
    if gain is not None:
        for layer in network:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.in_features))
                nn.init.zeros_(layer.bias)
    return network


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(128, 64, generator=generator),
        torch.randint(0, 10, (128,), generator=generator),
    )


HE = math.sqrt(2.0)
DEFAULT = 1 / math.sqrt(3.0)  # the gain of torch's own nn.Linear initialisation
RELU_SLOPE = math.sqrt(0.5)  # root mean square: half the units pass the signal
SIGMOID_SLOPE = 0.25


@pytest.mark.parametrize(
    ("depth", "activation", "gain", "factor", "expected"),
    [
        pytest.param(3, nn.ReLU, HE, HE * RELU_SLOPE, 1.0, id="relu-he-3"),
        pytest.param(20, nn.ReLU, HE, HE * RELU_SLOPE, 1.0, id="relu-he-20"),
        pytest.param(3, nn.ReLU, None, DEFAULT * RELU_SLOPE, 1.0, id="relu-default-3"),
        pytest.param(20, nn.ReLU, None, DEFAULT * RELU_SLOPE, 0.0, id="relu-default-20"),
        pytest.param(1, nn.Sigmoid, None, DEFAULT * SIGMOID_SLOPE, 1.0, id="sigmoid-1"),
        pytest.param(3, nn.Sigmoid, None, DEFAULT * SIGMOID_SLOPE, 0.86, id="sigmoid-3"),
        pytest.param(20, nn.Sigmoid, None, DEFAULT * SIGMOID_SLOPE, 0.0, id="sigmoid-20"),
        pytest.param(20, nn.Tanh, 0.3, 0.3, 0.0, id="tanh-20-gain-0.3"),
        pytest.param(20, nn.ReLU, 4.0, 4.0 * RELU_SLOPE, 0.0, id="relu-20-gain-4"),
        pytest.param(20, nn.ReLU, 30.0, 30.0 * RELU_SLOPE, 0.0, id="relu-20-gain-30"),
    ],
)
def test_depth_profile_follows_mean_field_theory(
    depth: int,
    activation: type[nn.Module],
    gain: float | None,
    factor: float,
    expected: float,
    batch: tuple[Tensor, Tensor],
) -> None:
    """One layer back multiplies the signal by gain * rms slope."""
    profile = signal_profile(mlp(depth, activation, gain), *batch)
    first = next(iter(depth_decades(profile).values()))
    assert first == pytest.approx(depth * math.log10(factor), rel=0.05, abs=0.2)
    assert depth_score(profile) == pytest.approx(expected, abs=0.03)


def test_tanh_of_gain_one_is_healthy_at_depth_20(batch: tuple[Tensor, Tensor]) -> None:
    assert depth_score(signal_profile(mlp(20, nn.Tanh, 1.0), *batch)) == 1.0


def test_signal_profile_equals_retained_gradients(batch: tuple[Tensor, Tensor]) -> None:
    network = mlp(2, nn.Tanh, 1.0)
    outputs, z = [], batch[0]
    for layer in network:
        z = layer(z)
        if isinstance(layer, nn.Linear):
            z.retain_grad()
            outputs.append(z)
    nn.functional.cross_entropy(z, batch[1]).backward()
    expected = [output.grad.norm().item() for output in outputs]
    profile = signal_profile(network, *batch)
    assert list(profile) == ["0", "2", "4"]
    assert list(profile.values()) == pytest.approx(expected, rel=1e-5)


def test_signal_profile_is_the_same_with_in_place_activations(batch: tuple[Tensor, Tensor]) -> None:
    linear, last = nn.Linear(64, 32), nn.Linear(32, 10)
    profiles = [
        signal_profile(nn.Sequential(linear, nn.ReLU(inplace=i), last), *batch) for i in (0, 1)
    ]
    assert profiles[0] == profiles[1]


def test_signal_profile_measures_what_float32_squares_cannot(batch: tuple[Tensor, Tensor]) -> None:
    network = mlp(1, nn.Identity, 1.0)
    with torch.no_grad():
        network[2].weight.mul_(1e-25)
    profile = signal_profile(network, *batch)
    assert 1e-30 < profile["0"] < 1e-22


def test_signal_profile_leaves_out_what_no_gradient_reaches(batch: tuple[Tensor, Tensor]) -> None:
    network = mlp(2, nn.ReLU, HE)
    network[0].requires_grad_(False)
    assert list(signal_profile(network, *batch)) == ["2", "4"]
    assert signal_profile(network.requires_grad_(False), *batch) == {}


def test_signal_profile_leaves_no_trace(batch: tuple[Tensor, Tensor]) -> None:
    network = mlp(2, nn.ReLU, HE)
    kept = []
    network[2].register_forward_hook(lambda _m, _a, output: kept.append(weakref.ref(output)))
    gc.disable()  # what is left must be free without the collector
    try:
        for _ in range(50):
            signal_profile(network, *batch)
        assert [ref() for ref in kept] == [None] * 50
    finally:
        gc.enable()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert sum(len(module._forward_hooks) for module in network.modules()) == 1  # the test's own


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"a": 1.0, "b": 1.0}, 1.0),
        ({"a": 1e-2, "b": 1.0}, 1.0),  # two decades are healthy
        ({"a": 1e-4, "b": 1.0}, 0.5),  # halfway from two to six
        ({"a": 1e4, "b": 1.0}, 0.5),
        ({"a": 1e-4, "b": 1e3, "c": 1.0}, 0.5),  # the worse of both
        ({"a": 1e-7, "b": 1.0}, 0.0),
        ({"a": 1.0, "b": 0.0}, 0.0),
        ({"a": math.nan, "b": 1.0}, 0.0),
    ],
)
def test_depth_score_by_hand(profile: dict[str, float], expected: float) -> None:
    assert depth_score(profile) == pytest.approx(expected)


def test_finite_share_is_exact() -> None:
    assert finite_share([1.0] * 24 + [math.nan]) == 1 - 1 / 25


def test_one_broken_gradient_of_n_steps_costs_exactly_one_nth() -> None:
    network, recorder = mlp(1, nn.ReLU, HE), GradientRecorder(every_k_steps=1)
    for step in range(8):
        network.zero_grad()
        network(torch.ones(2, 64)).sum().backward()
        if step == 5:
            network[0].bias.grad[3] = math.nan
        recorder.keep_gradients(network.parameters())
    recorder.read()
    assert finite_share(recorder.gradient_norms) == 1 - 1 / 8


def test_spike_share_counts_ten_times_the_median() -> None:
    assert spike_share([1.0] * 20 + [10.0]) == 0.0
    assert spike_share([1.0] * 20 + [10.1, 1.0, 1.0, 1.0, 1.0]) == 1 / 20  # 25 less the first 5
    assert spike_share([1.0, 99.0]) == 0.0
    assert spike_share([1.0] * 10 + [math.inf]) == 0.0


def observation(score: float | None) -> dict[str, object]:
    decades = {"a": -4.0, "b": 0.0}
    return {"layers": 2 if score is not None else 1, "score": score, "decades": decades}


def test_score_multiplies_its_parts(make_record: Callable) -> None:
    norms = [1.0] * 24 + [math.nan]
    record = make_record(
        val_losses=(1.0, 1.0, 1.0),
        observations=[observation(0.5), observation(0.0), observation(1.0)],
        gradient_norms=norms,
    )
    reading = GradientHealth().score(record)
    assert reading.value == pytest.approx(0.5 * 24 / 25)
    assert reading.details["worst_layer"] == "a"


def test_score_is_zero_with_a_spike_in_every_tenth_step(make_record: Callable) -> None:
    norms = [1.0] * 23 + [50.0, 50.0]  # 2 of 20 judged
    record = make_record(observations=[observation(1.0)], gradient_norms=norms)
    assert GradientHealth().score(record).value == 0.0


def test_score_needs_two_layers_and_a_sampled_step(make_record: Callable) -> None:
    one = GradientHealth().score(make_record(observations=[observation(None)], gradient_norms=[1]))
    none = GradientHealth().score(make_record(observations=[observation(1.0)]))
    assert one.value is None
    assert "found 1" in str(one.reason)
    assert (none.value, none.reason) == (None, "no gradient norm was sampled")


def test_a_network_of_nan_scores_zero(make_probe: Callable, make_record: Callable) -> None:
    network = mlp(2, nn.ReLU, HE)
    with torch.no_grad():
        network[0].weight[0, 0] = math.nan
    observed = GradientHealth().observe(make_probe(network, torch.ones(4, 64)))
    assert observed["decades"] == {"0": None, "2": None, "4": None}
    record = make_record(observations=[observed], gradient_norms=[1.0])
    assert GradientHealth().score(record).value == 0.0
