"""Mean and standard deviation of pixels, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def pixel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return each channel's mean and population standard deviation, on a scale of 0..1.

    Counted from the histogram of the 256 values, so that the result is exact to float64 whatever
    the number of pixels, and no float copy of the images is made.

    Args:
        images: uint8 [N, C, H, W], N at least 1.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in range(images.shape[1]):
        histogram = torch.bincount(images[:, channel].flatten().cpu(), minlength=256)
        share = histogram.double() / histogram.sum()
        mean = (share * values).sum()
        means.append(mean.item())
        deviations.append((share * (values - mean) ** 2).sum().sqrt().item())
    return tuple(means), tuple(deviations)
