"""Images and labels in memory or in a file, and how positions become a normalised batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import torch

from hpo_torch.data.prefetch import prefetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

_BATCHES_AHEAD = 4


@dataclass(frozen=True, slots=True)
class ImageStore:
    """A set of images as bytes; made by `build`.

    A resident store has its bytes on the device of the batches. A streaming one leaves them where
    they are, in the machine's memory or in a memory-mapped file, picks batches there on another
    thread, and moves them to the device. Both give the same batches, bit for bit.

    Attributes:
        pixels: uint8 [N, C * H * W] of a resident store: an image is one row, so that picking
            images copies rows. uint8 [N, C, H, W], as it came, of a streaming one.
        labels: int64 [N], beside the pixels.
        shape: (C, H, W).
        device: Where the batches are.
        channels_last: Memory format of the batches; a resident store's rows are ordered likewise.
        scale: float32 [C * H * W], 1 / (255 * std) of each pixel's channel, in the rows' order.
        shift: float32 [C * H * W], mean / std of each pixel's channel, likewise.
    """

    pixels: Tensor
    labels: Tensor
    shape: tuple[int, int, int]
    device: torch.device
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
        resident: bool = True,
    ) -> Self:
        """Lay images out on a device, or make ready to stream them there.

        Args:
            images: uint8 [N, C, H, W].
            labels: int64 [N].
            statistics: Mean and standard deviation by channel on a scale of 0..1, of the
                training part. A channel that never varies (0) is centred and not scaled.
            device: Where batches live.
            channels_last: Lay pixels out (H, W, C), as networks in that memory format want them.
            resident: Whether images live on the device, too; otherwise they are not copied.
        """
        _, channels, height, width = images.shape
        shape = channels, height, width
        rows_last = channels_last and resident
        scale, shift = _of_each_pixel(shape, statistics, device, rows_last=rows_last)
        if resident:
            ordered = images.permute(0, 2, 3, 1) if rows_last else images
            images, labels = ordered.flatten(1).to(device), labels.to(device)
        return cls(
            pixels=images,
            labels=labels,
            shape=shape,
            device=device,
            channels_last=channels_last,
            scale=scale,
            shift=shift,
        )

    def normalised_by(self, statistics: tuple[Sequence[float], Sequence[float]]) -> ImageStore:
        """Return a store of the same bytes whose batches are normalised by these; see `build`."""
        rows_last = self.channels_last and self.resident
        scale, shift = _of_each_pixel(self.shape, statistics, self.device, rows_last=rows_last)
        return replace(self, scale=scale, shift=shift)

    @property
    def resident(self) -> bool:
        """Whether the pixels are rows on the device of the batches."""
        return self.pixels.ndim == len(("image", "pixel"))

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images and labels at int64 [B] positions (on the device of `labels`).

        Returns:
            float32 [B, C, H, W], normalised (channels_last in memory if the store is), and
            int64 [B], on `device`.
        """
        if not self.resident:
            return self._move(*self._pick(positions))
        # benchmarks/batch_making.py compares this with other ways to write it.
        rows = self.pixels.index_select(0, positions).to(torch.float32)
        return self._normalise(rows), self.labels.index_select(0, positions)

    def batches(self, positions: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield `batch` of each of the positions; a streaming store picks ahead."""
        if self.resident:
            yield from map(self.batch, positions)
        else:
            for picked in prefetch(self._pick, positions, _BATCHES_AHEAD):
                yield self._move(*picked)

    def originals(self, positions: Tensor) -> Tensor:
        """Return the images at int64 [B] positions as they came: uint8 [B, C, H, W] on the CPU."""
        picked = self.pixels[positions.to(self.pixels.device)].cpu()
        channels, height, width = self.shape
        if self.resident and self.channels_last:
            return picked.view(-1, height, width, channels).permute(0, 3, 1, 2)
        return picked.view(-1, channels, height, width)

    def _pick(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the bytes [B, C, H, W] and labels [B] of a streaming store, where they lie."""
        # From pinned memory a copy to a GPU runs beside its work; an unpinned one would wait.
        pinned = self.device.type == "cuda"
        shape = (len(positions), *self.shape)
        picked = torch.empty(shape, dtype=torch.uint8, pin_memory=pinned)
        torch.index_select(self.pixels, 0, positions, out=picked)
        return picked, self.labels.index_select(0, positions)

    def _move(self, picked: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        rows = picked.flatten(1).to(self.device, non_blocking=True).to(torch.float32)
        return self._normalise(rows), labels.to(self.device, non_blocking=True)

    def _normalise(self, rows: Tensor) -> Tensor:
        """Normalise float32 [B, C * H * W] in place, and give it the shape of images."""
        rows.mul_(self.scale).sub_(self.shift)
        channels, height, width = self.shape
        if self.channels_last and self.resident:
            return rows.view(-1, height, width, channels).permute(0, 3, 1, 2)
        images = rows.view(-1, channels, height, width)
        return (
            images.contiguous(memory_format=torch.channels_last) if self.channels_last else images
        )

    def __len__(self) -> int:
        return len(self.pixels)


def _of_each_pixel(
    shape: tuple[int, int, int],
    statistics: tuple[Sequence[float], Sequence[float]],
    device: torch.device,
    *,
    rows_last: bool,
) -> tuple[Tensor, Tensor]:
    """Return what each pixel is multiplied by, and what is then subtracted from it."""
    channels, height, width = shape
    mean, std = (torch.tensor(figures, dtype=torch.float64) for figures in statistics)
    std = torch.where(std > 0, std, 1.0)

    def spread(figures: Tensor) -> Tensor:
        plane = figures.view(channels, 1, 1).expand(channels, height, width)
        row = plane.permute(1, 2, 0) if rows_last else plane
        return row.reshape(-1).to(device, torch.float32)

    return spread(1 / (255 * std)), spread(mean / std)
