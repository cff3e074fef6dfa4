from __future__ import annotations

import pytest
import torch
from torch import nn

from hpo_torch.models.cnn import build_cnn
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.families import activation_override

SHAPE = (1, 8, 8)
SPACE = cnn_space(SHAPE, 1437, 5, 20)
KINDS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "swish": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
}


def build(shape=SHAPE, **fixed):
    space = cnn_space(shape, 1437, 5, 20)
    return build_cnn(space.defaults(space.check_fixed(fixed)), shape, 10)


def test_default_cnn_has_readable_names_in_forward_order():
    names = [name for name, module in build().named_modules() if not list(module.children())]

    assert names == [
        "conv1.conv",
        "conv1.activation",
        "conv1.pool",
        "conv1.batch_norm",
        "conv2.conv",
        "conv2.activation",
        "conv2.pool",
        "conv2.batch_norm",
        "flatten",
        "hidden1.linear",
        "hidden1.activation",
        "hidden1.dropout",
        "output",
    ]


def test_default_cnn_equals_the_same_network_written_out():
    network = build().eval()
    images = torch.rand(4, *SHAPE)
    state = network.state_dict()

    def block(signal, name):
        signal = nn.functional.conv2d(
            signal, state[f"{name}.conv.weight"], state[f"{name}.conv.bias"], padding=1
        ).relu()
        signal = signal / (1 + 1e-5) ** 0.5  # fresh batch normalisation: mean 0, variance 1
        return nn.functional.max_pool2d(signal, 2)

    signal = block(block(images, "conv1"), "conv2").reshape(4, 32 * 2 * 2)
    signal = (signal @ state["hidden1.linear.weight"].T + state["hidden1.linear.bias"]).relu()
    expected = signal @ state["output.weight"].T + state["output.bias"]

    torch.testing.assert_close(network(images), expected)


def test_global_pooling_averages_each_feature_map():
    network = build(global_pooling=True)
    features = torch.rand(3, 32, 2, 2)

    pooled = network.flatten(network.global_pool(features))

    torch.testing.assert_close(pooled, features.mean(dim=(2, 3)))


@pytest.mark.parametrize("fixed", [{}, {"padding": "valid", "kernel_size": 5}], ids=["", "valid"])
def test_multi_scale_classifies_every_blocks_features_pooled_to_the_last_ones_size(fixed):
    network = build((1, 28, 28), multi_scale=True, filter_growth=2, **fixed).eval()
    images = torch.rand(4, 1, 28, 28)

    first = network.conv1(images)
    last = network.conv2(first)
    side = last.shape[-1]
    windows = nn.functional.max_pool2d(
        first, first.shape[-1] - (side - 1) * (first.shape[-1] // side), first.shape[-1] // side
    )
    features = torch.cat([windows.flatten(1), last.flatten(1)], dim=1)
    expected = network.output(network.hidden1(features))

    assert network.hidden1.linear.in_features == (16 + 32) * side**2
    torch.testing.assert_close(network(images), expected)


def test_multi_scale_of_one_block_is_the_plain_network():
    torch.manual_seed(0)
    plain = build(conv_layers=1).eval()
    torch.manual_seed(0)
    every = build(conv_layers=1, multi_scale=True).eval()
    images = torch.rand(4, *SHAPE)

    assert torch.equal(every(images), plain(images))


def test_multi_scale_with_global_pooling_averages_every_blocks_features():
    network = build(multi_scale=True, global_pooling=True).eval()
    images = torch.rand(4, *SHAPE)

    first = network.conv1(images)  # 4x4, as the second block halves it
    means = [nn.functional.max_pool2d(first, 2).mean(dim=(2, 3)), network.conv2(first).mean((2, 3))]

    expected = network.output(network.hidden1(torch.cat(means, dim=1)))
    torch.testing.assert_close(network(images), expected)


def test_standardize_makes_light_and_contrast_irrelevant():
    images = torch.rand(4, *SHAPE)
    network, plain = build(standardize=True).eval(), build(standardize=False).eval()

    torch.testing.assert_close(network(0.25 * images - 0.5), network(images), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(plain(0.25 * images - 0.5), plain(images), atol=1e-2)


def test_standardize_gives_every_channel_mean_0_and_variance_1():
    seen = build(shape=(3, 8, 8), standardize=True).standardize(torch.rand(2, 3, 8, 8))

    torch.testing.assert_close(seen.mean(dim=(2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    variance = seen.var(dim=(2, 3), correction=0)
    torch.testing.assert_close(variance, torch.ones(2, 3), rtol=1e-3, atol=0)


def test_grayscale_is_the_mean_of_the_channels_so_that_their_order_does_not_matter():
    images = torch.rand(4, 3, 8, 8)
    network = build(shape=(3, 8, 8), grayscale=True).eval()

    torch.testing.assert_close(network.grayscale(images)[:, 0], images.sum(dim=1) / 3)
    torch.testing.assert_close(network(images[:, [2, 0, 1]]), network(images))


def test_growing_filters_end_with_the_given_number():
    network = build(shape=(1, 16, 16), conv_layers=4, filters=20, filter_growth=3)

    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert widths == [1, 2, 7, 20]  # 20 / 27, 20 / 9, 20 / 3


def test_images_need_not_be_square():
    values = SPACE.defaults({})

    assert build_cnn(values, (3, 8, 21), 7)(torch.zeros(2, 3, 8, 21)).shape == (2, 7)


@pytest.mark.parametrize("fixed", [{}, {"hidden_layers": 3, "conv_layers": 3}], ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_forced_activation_appears_everywhere(name, fixed):
    network = build(**activation_override("cnn", name), **fixed)
    activations = [
        type(module) for path, module in network.named_modules() if path.endswith(".activation")
    ]

    convs = sum(isinstance(module, nn.Conv2d) for module in network.modules())
    linears = sum(isinstance(module, nn.Linear) for module in network.modules())
    assert activations == [KINDS[name]] * (convs + linears - 1)  # all but the output
    others = tuple(kind for kind in KINDS.values() if kind is not KINDS[name])
    assert not [module for module in network.modules() if isinstance(module, others)]


def test_activations_are_never_shared_between_layers():
    network = build(hidden_layers=3, conv_layers=3)
    activations = [m for path, m in network.named_modules() if path.endswith(".activation")]

    assert len({id(module) for module in activations}) == 6


def test_same_seed_gives_same_weights():
    torch.manual_seed(3)
    first = build().state_dict()
    torch.manual_seed(3)
    second = build().state_dict()

    for name, weight in first.items():
        assert torch.equal(weight, second[name])


@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform"])
def test_output_layer_starts_without_an_activations_gain(initializer):
    torch.manual_seed(0)
    values = SPACE.defaults({"initializer": initializer, "hidden_units": 1024})
    output = build_cnn(values, SHAPE, 1024).output

    # fan in = fan out = 1024: both initialisers have deviation 1 / sqrt(1024)
    assert output.weight.std().item() == pytest.approx(1 / 32, rel=0.01)


@pytest.mark.parametrize(("name", "gain"), [("relu", 2**0.5), ("swish", 1.67653), ("tanh", 5 / 3)])
def test_layers_start_with_their_own_activations_gain(name, gain):
    torch.manual_seed(0)
    network = build(activation=name, hidden_activation=name, filters=128, hidden_units=512)

    # conv2 reads 128 x 3 x 3 and has 147,456 weights, hidden1 reads 128 x 2 x 2 and has 262,144.
    assert network.conv2.conv.weight.std().item() == pytest.approx(gain / 1152**0.5, rel=0.01)
    assert network.hidden1.linear.weight.std().item() == pytest.approx(gain / 512**0.5, rel=0.01)
