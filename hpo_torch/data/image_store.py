"""Images and labels on a device, and how positions become a normalised batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ImageStore:
    """A set of images as bytes on a device; made by `build`.

    Attributes:
        pixels: uint8 [N, C * H * W]; an image is one row, so that picking images copies rows.
        labels: int64 [N].
        shape: (C, H, W).
        channels_last: Whether a row is ordered (H, W, C), and so the batches are too.
        scale: float32 [C * H * W], 1 / (255 * std) of each pixel's channel.
        shift: float32 [C * H * W], mean / std of each pixel's channel.
    """

    pixels: Tensor
    labels: Tensor
    shape: tuple[int, int, int]
    channels_last: bool
    scale: Tensor
    shift: Tensor

    @classmethod
    def build(
        cls,
        images: Tensor,
        labels: Tensor,
        statistics: tuple[Sequence[float], Sequence[float]],
        device: torch.device,
        *,
        channels_last: bool,
    ) -> Self:
        """Lay images out on a device.

        Args:
            images: uint8 [N, C, H, W].
            labels: int64 [N].
            statistics: Mean and standard deviation by channel on a scale of 0..1, of the
                training part. A channel that never varies (0) is centred and not scaled.
            device: Where images, labels and batches live.
            channels_last: Lay pixels out (H, W, C), as networks in that memory format want them.
        """
        count, channels, height, width = images.shape
        rows = images.permute(0, 2, 3, 1) if channels_last else images
        mean, std = (torch.tensor(figures, dtype=torch.float64) for figures in statistics)
        std = torch.where(std > 0, std, 1.0)

        def of_each_pixel(figures: Tensor) -> Tensor:
            plane = figures.view(channels, 1, 1).expand(channels, height, width)
            row = plane.permute(1, 2, 0) if channels_last else plane
            return row.reshape(-1).to(device, torch.float32)

        return cls(
            pixels=rows.reshape(count, -1).to(device),
            labels=labels.to(device),
            shape=(channels, height, width),
            channels_last=channels_last,
            scale=of_each_pixel(1 / (255 * std)),
            shift=of_each_pixel(mean / std),
        )

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images and labels at int64 [B] positions (on the store's device).

        Returns:
            float32 [B, C, H, W], normalised (channels_last in memory if the store is), and
            int64 [B].
        """
        # benchmarks/data_loading.py compares this with other ways to write it.
        rows = self.pixels.index_select(0, positions).to(torch.float32)
        rows.mul_(self.scale).sub_(self.shift)
        channels, height, width = self.shape
        if self.channels_last:
            images = rows.view(-1, height, width, channels).permute(0, 3, 1, 2)
        else:
            images = rows.view(-1, channels, height, width)
        return images, self.labels.index_select(0, positions)

    def __len__(self) -> int:
        return len(self.pixels)
