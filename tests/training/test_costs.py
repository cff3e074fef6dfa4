from __future__ import annotations

import gc

import torch
from torch import nn

from hpo_torch.training.costs import inference_seconds, saved_activation_bytes, step_memory_bytes


def test_saved_activations_of_a_linear_layer_are_counted_by_hand():
    # Linear saves its input (8 x 4 floats); cross-entropy saves log-softmax (8 x 3 floats), the
    # labels (8 int64) and the total weight (one float).
    network = nn.Linear(4, 3)
    labels = torch.zeros(8, dtype=torch.int64)
    expected = 4 * (8 * 4 + 8 * 3 + 1) + 8 * 8
    assert saved_activation_bytes(network, torch.ones(8, 4), labels) == expected


def test_step_memory_counts_weights_gradients_and_moments():
    network, labels = nn.Linear(4, 3), torch.zeros(8, dtype=torch.int64)
    inputs = torch.ones(8, 4)
    saved = saved_activation_bytes(network, inputs, labels)
    weights = 4 * (4 * 3 + 3)
    adam = step_memory_bytes(network, {"optimizer": "adam"}, inputs, labels)
    sgd = step_memory_bytes(network, {"optimizer": "sgd"}, inputs, labels)
    assert adam == 4 * weights + saved  # weight, gradient, two moments
    assert sgd == 3 * weights + saved  # weight, gradient, momentum


def test_measuring_memory_leaves_network_and_randomness_alone():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 3))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    saved_activation_bytes(
        network, torch.randn(8, 4, generator=torch.Generator()), torch.zeros(8).long()
    )
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_measuring_memory_keeps_nothing_alive():
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))

    def weights() -> int:
        gc.collect()
        return sum(type(each) is nn.Parameter for each in gc.get_objects())

    before = weights()
    saved_activation_bytes(network, torch.ones(8, 4), torch.zeros(8, dtype=torch.int64))
    assert weights() == before  # the measured copy is gone, and with it its graph


def test_inference_time_is_positive_and_restores_training_mode():
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout()).train()
    assert inference_seconds(network, torch.ones(40, 4)) > 0.0
    assert network.training
