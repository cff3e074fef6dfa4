"""How many parameters a network has, built or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hpo_torch.models.build import build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; one used twice counts once."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_configuration(
    family: str,
    hyperparameters: Mapping[str, Any],
    input_shape: tuple[int, ...],
    num_classes: int,
) -> int:
    """Return how many trainable parameters a configuration would have, without any memory.

    Takes no random numbers from the CPU's generator: weights live on the meta device.
    """
    with torch.device("meta"):
        network = build_network(family, hyperparameters, input_shape, num_classes)
    return count_parameters(network)
