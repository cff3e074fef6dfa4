"""Mean and standard deviation of pixels, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


_CHUNK = 4096


def pixel_statistics(
    images: Tensor, examples: Tensor | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return each channel's mean and population standard deviation, on a scale of 0..1.

    Counted from the histogram of the 256 values, so that the result is exact to float64 whatever
    the number of pixels. A few thousand images are read at a time, and no float copy of them is
    made: a memory-mapped set stays in its file.

    Args:
        images: uint8 [N, C, H, W], N at least 1.
        examples: int64 [M], positions of the images that count, M at least 1; all by default.
    """
    if examples is None:
        examples = torch.arange(len(images))
    channels = images.shape[1]
    histograms = torch.zeros(channels, 256, dtype=torch.int64)
    for positions in torch.split(examples, _CHUNK):
        chunk = images.index_select(0, positions)
        for channel in range(channels):
            histograms[channel] += torch.bincount(chunk[:, channel].flatten(), minlength=256).cpu()
    values = torch.arange(256, dtype=torch.float64) / 255
    shares = histograms.double() / histograms.sum(dim=1, keepdim=True)
    means = shares @ values
    deviations = (shares * (values - means.unsqueeze(1)) ** 2).sum(dim=1).sqrt()
    return tuple(means.tolist()), tuple(deviations.tolist())
