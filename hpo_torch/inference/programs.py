"""From what a user has, pixels or token ids, to logits: the network and all that is before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.data.tokenizer import PADDING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class ImageProgram(nn.Module):
    """Normalises images as `hpo_torch.data.image_store` does, and classifies them.

    Args:
        network: A trained network of images; grayscale and standardize are layers of it.
        input_spec: From its checkpoint: "mean" and "std" by channel on a scale of 0..1.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, input_spec: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = network
        mean, std = (
            torch.tensor(input_spec[name], dtype=torch.float64) for name in ("mean", "std")
        )
        std = torch.where(std > 0, std, 1.0)  # a channel that never varies is centred only
        self.register_buffer("scale", (1 / (255 * std)).float().view(-1, 1, 1))
        self.register_buffer("shift", (mean / std).float().view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 [N, C, H, W] to logits [N, classes]."""
        logits: Tensor = self.network(images.to(torch.float32) * self.scale - self.shift)
        return logits


class TextProgram(nn.Module):
    """Classifies token ids whose padding may hold anything.

    Args:
        network: A trained network of texts.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Map int64 [N, T] token ids and int64 [N] lengths, 1..T, to logits [N, classes]."""
        place = torch.arange(ids.shape[1], device=ids.device)
        inside = place < lengths.unsqueeze(1)
        logits: Tensor = self.network(ids.where(inside, PADDING))
        return logits


def program_of(network: nn.Module, input_spec: Mapping[str, Any]) -> ImageProgram | TextProgram:
    """Return the program of a network's kind of examples, ready to answer."""
    if input_spec["kind"] == "text":
        return TextProgram(network).eval()
    return ImageProgram(network, input_spec).eval()
