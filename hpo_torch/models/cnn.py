"""Convolutional networks for images."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.models.activations import ACTIVATIONS
from hpo_torch.models.hidden import build_head
from hpo_torch.models.initializers import initialize
from hpo_torch.search.cnn_shapes import block_filters, block_sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def build_cnn(
    hyperparameters: Mapping[str, Any], input_shape: tuple[int, ...], num_classes: int
) -> nn.Sequential:
    """Build a CNN: (grayscale), (standardize), blocks conv1, conv2 ..., hidden1 ..., and output.

    Batch normalisation follows the activation, as in the published search space, and the pooling,
    which leaves it a quarter of the values to normalise. With `multi_scale` the hidden layers read
    what every block has found, and not the last one's only. Weights are drawn from torch's global
    generator.

    Args:
        hyperparameters: A complete configuration of `hpo_torch.search.cnn_space`.
        input_shape: (channels, height, width) of an image.
        num_classes: Number of outputs.

    Returns:
        A module from float32 [N, C, H, W] to logits [N, num_classes], channels_last in memory, as
        the batches are.
    """
    channels, height, width = input_shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if hyperparameters["grayscale"]:
        layers["grayscale"], channels = Grayscale(), 1
    if hyperparameters["standardize"]:
        # Without weights: every image's every channel gets mean 0 and variance 1.
        layers["standardize"] = nn.InstanceNorm2d(channels)
    filters = block_filters(hyperparameters)
    for number, own in enumerate(filters, start=1):
        layers[f"conv{number}"] = _block(hyperparameters, channels, own)
        channels = own
    features = sum(filters) if hyperparameters["multi_scale"] else channels
    if hyperparameters["global_pooling"]:
        layers["global_pool"] = nn.AdaptiveAvgPool2d(1)
    else:
        features *= _side(hyperparameters, height) * _side(hyperparameters, width)
    layers["flatten"] = nn.Flatten()
    layers.update(build_head(hyperparameters, features, num_classes))
    kind = MultiScale if hyperparameters["multi_scale"] else nn.Sequential
    return kind(layers).to(memory_format=torch.channels_last)


class MultiScale(nn.Sequential):
    """A CNN whose layers after the blocks read every block's feature maps, side by side.

    Larger maps are max-pooled to the size of the last block's. Small and large features of an image
    are then classified together, after Sermanet and LeCun, "Traffic sign recognition with
    multi-scale convolutional networks", IJCNN 2011.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map float32 [N, C, H, W] to logits [N, num_classes]."""
        signal = input
        scales: list[Tensor] = []
        for name, layer in self.named_children():
            is_block = name.startswith("conv")
            if scales and not is_block:
                signal = torch.cat([_pooled(each, signal) for each in scales], dim=1)
                scales = []
            signal = layer(signal)
            if is_block:
                scales.append(signal)
        return signal


def _pooled(larger: Tensor, smallest: Tensor) -> Tensor:
    """Max-pool feature maps to the size of others; windows overlap where sizes do not divide."""
    sizes = list(zip(larger.shape[2:], smallest.shape[2:], strict=True))
    stride = [have // wanted for have, wanted in sizes]
    window = [
        have - (wanted - 1) * step for (have, wanted), step in zip(sizes, stride, strict=True)
    ]
    return nn.functional.max_pool2d(larger, window, stride)


class Grayscale(nn.Module):
    """The mean of an image's channels, so that only light and dark remain.

    Of normalised images each channel counts alike.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [N, C, H, W] to [N, 1, H, W]."""
        return images.mean(dim=1, keepdim=True)


def _block(hyperparameters: Mapping[str, Any], channels: int, filters: int) -> nn.Sequential:
    kernel: int = hyperparameters["kernel_size"]
    activation = ACTIVATIONS[hyperparameters["activation"]]
    padding = kernel // 2 if hyperparameters["padding"] == "same" else 0
    conv = nn.Conv2d(channels, filters, kernel, padding=padding)
    initialize(conv, hyperparameters["initializer"], activation.gain)
    block = OrderedDict[str, nn.Module](conv=conv, activation=activation.make())
    block["pool"] = nn.MaxPool2d(hyperparameters["pool_size"])
    if hyperparameters["batch_norm"]:
        block["batch_norm"] = nn.BatchNorm2d(filters)
    return nn.Sequential(block)


def _side(hyperparameters: Mapping[str, Any], size: int) -> int:
    """Return one side of the last feature map."""
    names = ("conv_layers", "kernel_size", "padding", "pool_size")
    return block_sizes(size, **{name: hyperparameters[name] for name in names})[-1]
