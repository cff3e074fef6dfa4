from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from hpo_torch.health.probe import isolated, make_probe


def test_make_probe_takes_off_the_compile_wrapper_and_starts_alike() -> None:
    network = nn.Linear(4, 2)
    inputs, labels = torch.rand(10, 4), torch.arange(10)
    compiled = torch.compile(network, backend="eager")
    probe = make_probe(compiled, inputs, labels, gradient_size=3, epoch=2)
    assert probe.network is network
    assert torch.equal(probe.gradient_inputs, inputs[:3])
    assert torch.equal(probe.gradient_labels, labels[:3])


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))
    network.train()
    network[1].eval()  # a frozen batch norm must stay frozen
    return network


def states() -> tuple[object, ...]:
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


def misbehave(network: nn.Module) -> None:
    with isolated(network, seed=7):
        assert not any(module.training for module in network.modules())
        network[2].register_forward_pre_hook(lambda *_: None)
        network[2].register_full_backward_hook(lambda *_: None)
        network(torch.rand(16, 4))
        _ = random.random(), np.random.rand(), torch.rand(1)
        raise ZeroDivisionError


def test_isolated_restores_flags_randomness_buffers_and_hooks(network: nn.Module) -> None:
    own = network[0].register_forward_hook(lambda *_: None)
    flags = [module.training for module in network.modules()]
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    before = states()
    with pytest.raises(ZeroDivisionError):
        misbehave(network)
    assert states() == before
    assert [module.training for module in network.modules()] == flags
    assert all(torch.equal(buffers[name], buffer) for name, buffer in network.named_buffers())
    assert list(network[0]._forward_hooks) == [own.id]
    assert not network[2]._forward_pre_hooks
    assert not network[2]._backward_hooks


def test_isolated_draws_the_same_numbers_every_time(network: nn.Module) -> None:
    draws = []
    for _ in range(2):
        with isolated(network, seed=7):
            draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
        torch.rand(1)
    assert draws[0] == draws[1]


def test_isolated_allows_gradients_under_inference_mode_and_autocast(network: nn.Module) -> None:
    inputs = torch.rand(3, 4)
    with (
        torch.inference_mode(),
        torch.autocast("cpu", dtype=torch.bfloat16),
        isolated(network, seed=0),
    ):
        output = network(inputs)
        (gradient,) = torch.autograd.grad(output.sum(), network[0].weight)
    assert output.dtype == torch.float32
    assert gradient.shape == (8, 4)
    assert network[0].weight.grad is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_isolated_restores_the_cuda_generator(network: nn.Module) -> None:
    network.cuda()
    before = torch.cuda.get_rng_state()
    with isolated(network, seed=0):
        torch.rand(3, device="cuda")
    assert torch.equal(torch.cuda.get_rng_state(), before)
