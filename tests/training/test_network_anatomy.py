from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hpo_torch.models.build import build_network
from hpo_torch.search.families import search_space
from hpo_torch.training.network_anatomy import describe_network, look_at_image

CNN = {
    "conv_layers": 2,
    "filters": 16,
    "kernel_size": 3,
    "padding": "same",
    "pool_size": 2,
    "batch_norm": True,
    "standardize": False,
    "grayscale": False,
    "multi_scale": False,
    "global_pooling": False,
    "hidden_layers": 1,
    "hidden_units": 64,
}
LSTM = {
    "vocab_size": 500,
    "embedding_dim": 8,
    "lstm_units": 6,
    "lstm_layers": 2,
    "bidirectional": True,
    "hidden_layers": 1,
    "hidden_units": 10,
}


def build(family, fixed, shape, classes):
    torch.manual_seed(0)
    space = search_space(family, shape, 1000, 1, 20)
    return build_network(family, space.defaults(space.check_fixed(fixed)), shape, classes)


def rows(architecture):
    return [
        (each.name, each.type, each.output_shape, each.parameters) for each in architecture.layers
    ]


def test_layers_of_a_cnn_by_hand():
    network = build("cnn", CNN, (3, 8, 8), 5)
    described = describe_network(network, torch.rand(1, 3, 8, 8))
    (second,) = (len(network.conv2.conv.weight),)
    assert described.input_shape == [3, 8, 8]
    assert described.convolutional
    flat = second * 2 * 2
    assert rows(described) == [
        ("conv1.conv", "Conv2d", [16, 8, 8], 16 * 3 * 9 + 16),
        ("conv1.activation", "ReLU", [16, 8, 8], 0),
        ("conv1.pool", "MaxPool2d", [16, 4, 4], 0),
        ("conv1.batch_norm", "BatchNorm2d", [16, 4, 4], 32),
        ("conv2.conv", "Conv2d", [second, 4, 4], second * 16 * 9 + second),
        ("conv2.activation", "ReLU", [second, 4, 4], 0),
        ("conv2.pool", "MaxPool2d", [second, 2, 2], 0),
        ("conv2.batch_norm", "BatchNorm2d", [second, 2, 2], 2 * second),
        ("flatten", "Flatten", [flat], 0),
        ("hidden1.linear", "Linear", [64], flat * 64 + 64),
        ("hidden1.activation", "ReLU", [64], 0),
        ("hidden1.dropout", "Dropout", [64], 0),
        ("output", "Linear", [5], 64 * 5 + 5),
    ]
    assert sum(each.parameters for each in described.layers) == described.parameters
    assert "kernel_size=(3, 3)" in described.layers[0].detail


def test_layers_of_an_lstm_and_each_time_they_run():
    network = build("lstm", LSTM, (500,), 4)
    described = describe_network(network, torch.randint(2, 500, (1, 7)))
    assert (described.input_shape, described.convolutional) == ([7], False)
    assert rows(described)[:5] == [
        ("embedding", "Embedding", [7, 8], 500 * 8),
        ("text_dropout", "SequenceDropout", [7, 8], 0),
        ("lstm.0.forwards", "LSTM", [7, 6], 4 * (8 * 6 + 6 * 6 + 2 * 6)),
        ("lstm.0.backwards", "LSTM", [7, 6], 4 * (8 * 6 + 6 * 6 + 2 * 6)),
        ("recurrent_dropout", "SequenceDropout", [7, 12], 0),
    ]
    names = [each.name for each in described.layers]
    assert names.count("recurrent_dropout") == 2
    assert rows(described)[-1] == ("head.output", "Linear", [4], 10 * 4 + 4)
    assert sum(each.parameters for each in described.layers) == described.parameters
    assert look_at_image(network, None) is None


def test_shared_weights_count_once():
    layer = nn.Linear(3, 3)
    described = describe_network(nn.Sequential(layer, nn.ReLU(), layer), torch.zeros(1, 3))
    assert [each.parameters for each in described.layers] == [12, 0, 0]
    assert described.parameters == 12


def test_maps_are_what_the_activations_put_out():
    network = build("cnn", {**CNN, "filters": 32}, (3, 8, 8), 5)
    example = torch.rand(1, 3, 8, 8)
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    maps = look_at_image(network, example, image, 2)
    np.testing.assert_array_equal(maps.filters, network.conv1.conv.weight.detach().numpy())
    assert maps.label == 2
    assert maps.image is image
    assert [(block.name, block.channels, block.maps.shape) for block in maps.blocks] == [
        ("conv1", 32, (16, 8, 8)),
        ("conv2", len(network.conv2.conv.weight), (16, 4, 4)),
    ]
    with torch.no_grad():
        expected = functional.relu(network.conv1.conv(example))[0, :16]
    np.testing.assert_allclose(maps.blocks[0].maps, expected.numpy(), atol=2e-3)


def test_looking_leaves_no_hooks_and_no_changes():
    network = build("cnn", CNN, (3, 8, 8), 5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    example = torch.rand(1, 3, 8, 8)
    describe_network(network, example)
    look_at_image(network, example, np.zeros((8, 8, 3), dtype=np.uint8), 0)
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_without_an_example_only_filters_are_kept():
    maps = look_at_image(build("cnn", CNN, (3, 8, 8), 5), None)
    assert (maps.image, maps.blocks, maps.filters.shape) == (None, (), (16, 3, 3, 3))
