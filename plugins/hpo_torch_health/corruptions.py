"""Mild damage that leaves an example's class as it is: to images, and to texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

PADDING, UNKNOWN = 0, 1  # token ids: after a text's end, and of a word that is not known
NOISE = 0.3  # of the pixels' standard deviation; the mildest of CIFAR-10-C is about 0.2
CONTRAST = 0.5
TOKEN_SHARE = 0.1


def _random(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Uniform 0..1, drawn on the CPU: the same damage on every device."""
    return torch.rand(shape).to(like.device)


def noise(images: Tensor) -> Tensor:
    """Add normal noise of 0.3 of each channel's standard deviation to [N, C, H, W]."""
    deviation = images.std((0, 2, 3), keepdim=True, correction=0)
    return images + NOISE * deviation * torch.randn(images.shape).to(images.device)


def shift(images: Tensor) -> Tensor:
    """Move each image one pixel to the left or right; what comes in repeats the border."""
    padded = functional.pad(images, (1, 1, 0, 0), mode="replicate")
    left = _random((len(images), 1, 1, 1), images) < 1 / 2
    return torch.where(left, padded[..., 2:], padded[..., :-2])


def contrast(images: Tensor) -> Tensor:
    """Halve every pixel's distance from its image's mean."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + CONTRAST * (images - mean)


def blur(images: Tensor) -> Tensor:
    """Blur with the binomial kernel (1, 2, 1)/4 along both axes; borders repeat."""
    kernel = images.new_tensor((0.25, 0.5, 0.25))
    channels = images.shape[1]
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    weight = torch.outer(kernel, kernel).expand(channels, 1, 3, 3)
    return functional.conv2d(padded, weight, groups=channels)


def drop_tokens(ids: Tensor) -> Tensor:
    """Leave out each token of [N, T] with probability 0.1; the rest closes up, one stays."""
    inside = ids != PADDING
    draw = _random(tuple(ids.shape), ids)
    # The token with the greatest draw stays whatever it is, so that no text is empty.
    stays = draw == draw.masked_fill(~inside, -1.0).amax(1, keepdim=True)
    dropped = inside & (draw < TOKEN_SHARE) & ~stays
    order = (dropped | ~inside).to(torch.uint8).argsort(dim=1, stable=True)
    return ids.masked_fill(dropped, PADDING).gather(1, order)


def hide_tokens(ids: Tensor) -> Tensor:
    """Replace each token of [N, T] with probability 0.1 by the one for unknown words."""
    hidden = (ids != PADDING) & (_random(tuple(ids.shape), ids) < TOKEN_SHARE)
    return ids.masked_fill(hidden, UNKNOWN)


OF_IMAGES: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "noise": noise,
    "shift": shift,
    "contrast": contrast,
    "blur": blur,
}
OF_TEXTS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "dropped_tokens": drop_tokens,
    "unknown_tokens": hide_tokens,
}


def corruptions_of(inputs: Tensor) -> Mapping[str, Callable[[Tensor], Tensor]]:
    """Return what can be done to images [N, C, H, W] or token ids [N, T]; nothing to others."""
    if inputs.ndim == len("NCHW") and inputs.is_floating_point():
        return OF_IMAGES
    if inputs.ndim == len("NT") and not inputs.is_floating_point():
        return OF_TEXTS
    return {}
