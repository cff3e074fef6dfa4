from __future__ import annotations

import pytest
import torch
from torch import nn

from hpo_torch.models.build import build_network
from hpo_torch.models.size import count_configuration, count_parameters
from hpo_torch.search.cnn_space import cnn_space


def test_default_configuration_size_by_hand():
    values = cnn_space((1, 8, 8), 1437, 5, 20).defaults({})
    convolutions = (9 * 1 * 32 + 32) + (9 * 32 * 32 + 32)
    normalisation = 2 * (32 + 32)
    linear = (32 * 2 * 2 * 128 + 128) + (128 * 10 + 10)

    size = count_configuration("cnn", values, (1, 8, 8), 10)

    assert size == convolutions + normalisation + linear == 27_498


@pytest.mark.parametrize(
    "fixed", [{"filters": 256}, {"hidden_layers": 4}, {"global_pooling": True}]
)
def test_counting_a_configuration_equals_counting_its_network(fixed):
    shape = (3, 32, 32)
    values = cnn_space(shape, 50_000, 5, 20).defaults(fixed)

    network = build_network("cnn", values, shape, 43)

    assert count_configuration("cnn", values, shape, 43) == count_parameters(network)


def test_counting_a_configuration_takes_no_random_numbers():
    values = cnn_space((1, 8, 8), 1437, 5, 20).defaults({})
    before = torch.get_rng_state()

    count_configuration("cnn", values, (1, 8, 8), 10)

    assert torch.equal(torch.get_rng_state(), before)


def test_frozen_parameters_are_not_counted_and_shared_ones_once():
    layer = nn.Linear(3, 3)
    layer.bias.requires_grad_(False)

    assert count_parameters(nn.Sequential(layer, layer)) == 9
