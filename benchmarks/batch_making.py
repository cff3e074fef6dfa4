"""How fast a batch is made: `ImageStore.batch` against other ways to write it.

    python benchmarks/batch_making.py [DEVICE]

Prints million images a second, the best of seven epochs, in batches of 32 and 256, one thread.
On two shared cores of a server CPU (one run, noisy), 28x28x1 / 32x32x3 images, batches of 32:
6.6 / 2.2 the bytes alone by index_select, 1.3 / 0.4 the bytes alone by fancy indexing,
1.8 / 0.7 `ImageStore.batch` in either memory format, 1.3 / 0.4 with addcmul,
0.8 / 0.3 with fancy indexing, 2.1 / 0.14 with channels_last made on the way.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import torch

from hpo_torch.data.image_store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = 20_000
REPEATS = 7


def ways(
    images: torch.Tensor, device: torch.device
) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """Return ways to make a normalised batch (the first two: only to pick its bytes)."""
    channels = images.shape[1]
    labels, statistics = torch.zeros(len(images)).long(), ([0.4] * channels, [0.3] * channels)
    last, first = (
        ImageStore.build(images, labels, statistics, device, channels_last=flag)
        for flag in (True, False)
    )
    images = images.to(device)
    scale = torch.full((channels, 1, 1), 1 / (255 * 0.3), device=device)
    shift = torch.full((channels, 1, 1), 0.4 / 0.3, device=device)

    def convert(positions: torch.Tensor) -> torch.Tensor:
        picked = images.index_select(0, positions)
        floats = picked.to(torch.float32, memory_format=torch.channels_last)
        return floats.mul_(scale).sub_(shift)

    return {
        "bytes by index_select": lambda p: images.index_select(0, p),
        "bytes by fancy index": lambda p: images[p],
        "ImageStore": lambda p: first.batch(p)[0],
        "ImageStore channels_last": lambda p: last.batch(p)[0],
        "addcmul": lambda p: torch.addcmul(-shift, images.index_select(0, p).float(), scale),
        "fancy index, mul, sub": lambda p: images[p].float().mul_(scale).sub_(shift),
        "channels_last by .to": convert,
    }


def rate(
    make: Callable[[torch.Tensor], torch.Tensor], batch_size: int, device: torch.device
) -> float:
    """Return million images a second, the best of `REPEATS` epochs."""
    best = float("inf")
    for _ in range(REPEATS):
        order = torch.randperm(IMAGES).to(device)
        begin = time.perf_counter()
        for start in range(0, IMAGES, batch_size):
            last = make(order[start : start + batch_size])
        last.flatten()[0].item()  # waits for the device
        best = min(best, time.perf_counter() - begin)
    return IMAGES / best / 1e6


def main() -> None:
    """Time all ways."""
    torch.set_num_threads(1)
    device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    for shape in ((1, 28, 28), (3, 32, 32)):
        images = torch.randint(0, 256, (IMAGES, *shape), dtype=torch.uint8)
        for name, make in ways(images, device).items():
            rates = ", ".join(f"{size}: {rate(make, size, device):.2f}" for size in (32, 256))
            print(f"{shape} {name:26} {rates}")


if __name__ == "__main__":
    main()
