"""Fifty observations of any metric leave a network, and the memory, as they were."""

from __future__ import annotations

import gc
import random
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from hpo_torch.health.probe import isolated
from hpo_torch.hooks.lazy import resolve
from hpo_torch.models.build import build_network
from hpo_torch.search.families import search_space
from hpo_torch_health.plugin import register_health_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpo_torch.plugin_api import Probe

SHAPES = {"cnn": (1, 8, 8), "lstm": (30,)}
SMALL = {
    "cnn": {"conv_layers": 2, "filters": 8, "hidden_units": 16},
    "lstm": {"embedding_dim": 8, "lstm_units": 8, "hidden_units": 16, "lstm_layers": 2},
}
TABLES = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
PROBES = 50


def state(network: nn.Module) -> Mapping[str, Any]:
    """Everything of a network that a metric could change, copied."""
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {
        "tensors": {name: tensor.detach().clone() for name, tensor in tensors.items()},
        "gradients": {name: p.grad.clone() for name, p in network.named_parameters()},
        "training": [module.training for module in network.modules()],
        "hooks": [list(getattr(m, table)) for m in network.modules() for table in TABLES],
        "randomness": (random.getstate(), torch.get_rng_state().tolist()),
    }


def live_tensors() -> int:
    return sum(type(found) is Tensor for found in gc.get_objects())


@pytest.fixture(params=SHAPES)
def probe(request: pytest.FixtureRequest, make_probe: Callable, make_validation: Callable) -> Probe:
    family = request.param
    shape = SHAPES[family]
    values = search_space(family, shape, 1000, 1, 2).defaults(SMALL[family])
    network = build_network(family, values, shape, 4)
    inputs = torch.rand(24, *shape) if family == "cnn" else torch.randint(1, 30, (24, 6))
    labels = torch.arange(24) % 4
    nn.functional.cross_entropy(network(inputs), labels).backward()
    made = make_probe(network, inputs, labels, make_validation(network, inputs, labels))
    network.train()
    next(network.children()).eval()  # a part that is frozen stays so
    return made


@pytest.mark.parametrize("spec", register_health_metrics(), ids=lambda spec: spec.name)
def test_fifty_observations_leave_no_trace(spec: Any, probe: Probe) -> None:
    metric = resolve("health metric", spec)()
    before = state(probe.network)
    with isolated(probe.network, 0):
        metric.observe(probe)  # what is made once, is made now
    gc.collect()
    gc.disable()  # what is left must be free without the collector
    try:
        count = live_tensors()
        for _ in range(PROBES):
            with isolated(probe.network, 0):
                metric.observe(probe)
        assert live_tensors() <= count
    finally:
        gc.enable()
    torch.testing.assert_close(state(probe.network), before, rtol=0.0, atol=0.0)
