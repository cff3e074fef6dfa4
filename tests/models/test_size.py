from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from hpo_torch.errors import UnknownNameError
from hpo_torch.models.build import build_network
from hpo_torch.models.size import count_configuration, count_parameters, estimate_step_memory
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.families import search_space
from hpo_torch.training.costs import step_memory_bytes


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


CNNS = {
    "default": {},
    "input of the activation is kept": {"activation": "swish", "batch_norm": False},
    "averaged, valid, deep head": {
        "activation": "leaky_relu",
        "padding": "valid",
        "global_pooling": True,
        "hidden_layers": 3,
        "hidden_activation": "leaky_relu",
        "optimizer": "sgd",
    },
    "no dropout": {"dropout": 0.0, "activation": "tanh", "hidden_activation": "selu"},
    "every block": {"multi_scale": True, "conv_layers": 3, "filter_growth": 2},
    "every block, averaged": {"multi_scale": True, "global_pooling": True, "padding": "valid"},
    "narrow at first, grey": {"filter_growth": 2, "conv_layers": 4, "grayscale": True},
    "wide": {"filters": 128, "kernel_size": 5, "pool_size": 3, "optimizer": "rmsprop"},
}
LSTMS = {
    "default": {},
    "forwards, last": {"bidirectional": False, "pooling": "last"},
    "two layers, mean": {"lstm_layers": 2, "pooling": "mean", "lstm_units": 128},
    "wide embedding": {"embedding_dim": 256, "lstm_units": 32, "optimizer": "sgd"},
}


def estimate_and_measure(family, fixed, shape, inputs):
    values = search_space(family, shape, 1437, 5, 20).defaults({"batch_size": 16, **fixed})
    network = build_network(family, values, shape, 10)
    measured = step_memory_bytes(network, values, inputs(values), torch.zeros(16).long())
    return estimate_step_memory(family, values, shape, 10), measured


@pytest.mark.parametrize("fixed", CNNS.values(), ids=CNNS)
def test_estimated_memory_of_a_cnn_is_what_is_measured(fixed):
    images = torch.zeros(16, 3, 40, 32).contiguous(memory_format=torch.channels_last)

    estimated, measured = estimate_and_measure("cnn", fixed, (3, 40, 32), lambda _: images)

    # What is left out: normalisation's statistics of each channel.
    assert estimated == pytest.approx(measured, rel=1e-3)


@pytest.mark.parametrize("fixed", LSTMS.values(), ids=LSTMS)
def test_estimated_memory_of_an_lstm_is_close_to_what_is_measured(fixed):
    """Within a factor of 1.5: the workspace of a CPU's LSTM differs between CPUs."""

    def full_texts(values):
        return torch.ones(16, values["sequence_length"], dtype=torch.int64)

    estimated, measured = estimate_and_measure("lstm", fixed, (3000,), full_texts)

    assert measured / 1.5 < estimated < measured * 1.5


def test_estimated_memory_by_hand():
    """One 4x4 image: convolution to 2 maps, pooled to 2x2; 8 features, 3 units, 10 classes."""
    values = cnn_space((1, 4, 4), 1437, 5, 20).defaults(
        {"conv_layers": 1, "filters": 2, "hidden_units": 3, "batch_size": 6, "optimizer": "sgd"}
    )
    parameters = (9 * 2 + 2) + 2 * 2 + (8 * 3 + 3) + (3 * 10 + 10)
    kept = 16 + 32 + (2 + 2) * 8 + 3 * 3 + 10 + 2
    weights = 4 * 3 * parameters

    assert estimate_step_memory("cnn", values, (1, 4, 4), 10) == weights + 4 * 6 * kept
    assert (
        estimate_step_memory("cnn", values, (1, 4, 4), 10, accumulate=4) == weights + 4 * 2 * kept
    )


def test_estimate_of_an_unknown_family_suggests_a_name():
    with pytest.raises(UnknownNameError, match="cnn"):
        estimate_step_memory("cmm", {}, (1, 8, 8), 10)


def test_estimating_a_large_network_takes_no_memory_and_no_compiler():
    """Of 17 GB of weights; and importing torch's compiler alone would take seconds."""
    script = (
        "import resource, sys\n"
        "from hpo_torch.models.size import estimate_step_memory\n"
        "from hpo_torch.search.cnn_space import cnn_space\n"
        "values = cnn_space((3, 512, 512), 99, 5, 20).defaults(\n"
        "    {'conv_layers': 1, 'filters': 256, 'hidden_units': 256})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "size = estimate_step_memory('cnn', values, (3, 512, 512), 10)\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(size > 4 * 17e9, grown < 100_000, 'torch._dynamo' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("True True False\n", "")
