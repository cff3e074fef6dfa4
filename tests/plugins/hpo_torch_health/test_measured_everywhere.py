"""No configuration of a search space escapes a metric that weighs: None would be a way out."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import torch

from hpo_torch.models.build import build_network
from hpo_torch.search.families import search_space
from hpo_torch_health.gradient_health import GradientHealth
from hpo_torch_health.neuron_utilization import NeuronUtilization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHAPES = {"cnn": (1, 16, 16), "lstm": (50,)}
LARGEST = {  # what makes networks large makes them no different here
    "filters": 16,
    "hidden_units": 64,
    "lstm_units": 32,
    "embedding_dim": 64,
    "vocab_size": 5000,
}


class RandomChoice:
    """Suggests at random, as a sampler does before it knows anything."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def suggest_int(self, _name: str, low: int, high: int, *, log: bool = False) -> int:
        return self.rng.randint(low, high)

    def suggest_float(self, _name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.rng.uniform(low, high)

    def suggest_categorical(self, _name: str, choices: Sequence[Any]) -> Any:
        return self.rng.choice(choices)


@pytest.mark.parametrize("family", SHAPES)
@pytest.mark.parametrize("seed", range(15))
def test_weighted_metrics_are_numbers_for_every_configuration(
    family: str, seed: int, make_probe: Callable, make_record: Callable
) -> None:
    shape = SHAPES[family]
    space = search_space(family, shape, 1000, 1, 2)
    small = {name: value for name, value in LARGEST.items() if name in space.names}
    values = space.sample(RandomChoice(seed), small)
    network = build_network(family, values, shape, 3)
    inputs = torch.rand(16, *shape) if family == "cnn" else torch.randint(1, 50, (16, 12))
    probe = make_probe(network, inputs, torch.arange(16) % 3)
    for metric in (NeuronUtilization(), GradientHealth()):
        record = make_record(observations=[metric.observe(probe)], gradient_norms=[1.0])
        reading = metric.score(record)
        assert reading.value is not None, (type(metric).__name__, reading.reason, values)
