"""The network, optimiser and loaders of search_efficiency.py's PyTorch scripts, as usually written.

Images are normalised tensors in memory, which is faster than torchvision's transforms image by
image: the contenders are given that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from efficiency_space import MOMENTUM
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from efficiency_task import Parts

    Loader = DataLoader[tuple[Tensor, ...]]

EVALUATION_BATCH_SIZE = 1024  # hpo-torch's own, too


def build_network(
    values: Mapping[str, Any], shape: tuple[int, int, int], classes: int
) -> nn.Sequential:
    """Return the CNN of a configuration, from [N, C, H, W] to logits, with torch's own weights."""
    channels, height, width = shape
    layers: list[nn.Module] = []
    kernel, filters = values["kernel_size"], values["filters"]
    for _ in range(values["conv_layers"]):
        layers += [
            nn.Conv2d(channels, filters, kernel, padding=kernel // 2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(filters),
        ]
        channels, height, width = filters, height // 2, width // 2
    layers += [
        nn.Flatten(),
        nn.Linear(channels * height * width, values["hidden_units"]),
        nn.ReLU(),
        nn.Dropout(values["dropout"]),
        nn.Linear(values["hidden_units"], classes),
    ]
    return nn.Sequential(*layers)


def build_optimizer(
    values: Mapping[str, Any], parameters: Iterator[nn.Parameter]
) -> torch.optim.Optimizer:
    """Return the optimiser of a configuration."""
    rate = values["learning_rate"]
    if values["optimizer"] == "adam":
        return torch.optim.Adam(parameters, lr=rate)
    if values["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate)
    return torch.optim.SGD(parameters, lr=rate, momentum=MOMENTUM, nesterov=True)


def loaders(parts: Parts, batch_size: int) -> tuple[Loader, Loader]:
    """Return a shuffling loader of the training part, and one of the validation part."""
    train, val = (
        TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
        for images, labels in (
            (parts.train_images, parts.train_labels),
            (parts.val_images, parts.val_labels),
        )
    )
    return DataLoader(train, batch_size, shuffle=True), DataLoader(val, EVALUATION_BATCH_SIZE)
