"""Batches made by indexing images: no worker processes, no per-image Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from hpo_torch.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from hpo_torch.data.augmentation import Augmenter
    from hpo_torch.data.image_store import ImageStore


_ORDER, _DRAWS, _OWN = 0, 1, 2  # what a seed is for
_HALF = 0.5


class EpochOrder:
    """All that is random about an epoch's examples: a function of seed and epoch only.

    So a training that resumes at epoch e sees what an uninterrupted one would have seen. Lightning
    finds it as a loader's `sampler` and calls `set_epoch` before every epoch.

    Args:
        size: Number of examples.
        seed: Of the shuffling; None keeps the order 0..size-1 in every epoch.
    """

    def __init__(self, size: int, seed: int | None) -> None:
        self.size, self.seed, self.epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Make `positions` those of this epoch, from 0."""
        self.epoch = epoch

    def positions(self) -> Tensor:
        """Return int64 [size] on the CPU, each of 0..size-1 once."""
        if self.seed is None:
            return torch.arange(self.size)
        return torch.randperm(self.size, generator=self._generator(self.seed, _ORDER))

    def draws(self, columns: int) -> Tensor:
        """Return float32 [size, columns] on the CPU, uniform in 0..1 without 1.

        Row n belongs to the example that is visited n-th.

        Raises:
            ValueError: There is no seed.
        """
        if self.seed is None:
            raise ValueError("expected a seed to draw from, got None")
        return torch.rand(self.size, columns, generator=self._generator(self.seed, _DRAWS))

    def alternating(self) -> Tensor:
        """Return float32 [size] on the CPU, uniform in 0..1 without 1, which change sides.

        Each example has a number of its own; in every second epoch it is moved by a half. Rows are
        those of `draws`. What is done below 1/2 is done to an example in every second epoch: two
        epochs in a row show all examples both ways (alternating flip: K. Jordan, "94% on CIFAR-10
        in 3.29 seconds on a single GPU", arXiv 2404.00498).

        Raises:
            ValueError: There is no seed.
        """
        if self.seed is None:
            raise ValueError("expected a seed to draw from, got None")
        own = torch.rand(self.size, generator=_generator(self.seed, 0, _OWN))[self.positions()]
        moved = torch.where(own < _HALF, own + _HALF, own - _HALF)
        return moved if self.epoch % 2 else own

    def _generator(self, seed: int, purpose: int) -> torch.Generator:
        return _generator(seed, self.epoch, purpose)


def _generator(seed: int, epoch: int, purpose: int) -> torch.Generator:
    # SeedSequence mixes well: neighbouring seeds and epochs share no orders.
    mixed = np.random.SeedSequence((seed, epoch, purpose)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed))


class DeviceLoader:
    """An iterable of (float32 [B, C, H, W], int64 [B]) on the store's device.

    Args:
        store: Where the images are.
        examples: int64 [N], the store's positions that this loader goes through.
        batch_size: Examples a batch; the last batch is smaller where N leaves a remainder.
        seed: Shuffles anew in every epoch; None goes through `examples` as they come.
        drop_single: Leave the last batch out if it would be a single example, which BatchNorm
            cannot train on. Shuffling makes it another example in every epoch.
        augment: Changes every image at random, anew in every epoch; needs a seed.

    Attributes:
        sampler: Where the epoch is set; by Lightning, or by hand outside of it.
        batch_sampler: None, as a DataLoader's without one; Lightning asks for both.
    """

    batch_sampler: ClassVar[None] = None

    def __init__(
        self,
        store: ImageStore,
        examples: Tensor,
        batch_size: int,
        *,
        seed: int | None = None,
        drop_single: bool = False,
        augment: Augmenter | None = None,
    ) -> None:
        smallest = 2 if drop_single else 1
        if batch_size < smallest:
            raise InvalidValueError("batch_size", f"at least {smallest}", batch_size)
        self.store, self.batch_size, self.augment = store, batch_size, augment
        self.sampler = EpochOrder(len(examples), seed)
        self._examples = examples.to(store.labels.device)
        single_at_end = len(examples) % batch_size == 1 and batch_size > 1
        self._visited = len(examples) - (drop_single and single_at_end)

    def plan(self) -> list[Tensor]:
        """Return the store's positions of each of the epoch's batches, int64 [B], beside it."""
        order = self.sampler.positions()[: self._visited].to(self._examples.device)
        visited = self._examples.index_select(0, order)
        starts = range(0, len(visited), self.batch_size)
        return [visited[start : start + self.batch_size] for start in starts]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # A generator: the order is looked up at the first batch. Lightning, when it goes on with an
        # interrupted training, calls iter() before it sets the epoch.
        positions = self.plan()
        if self.augment is None:
            yield from self.store.batches(positions)
        else:
            yield from self._augmented(self.augment, positions)

    def _augmented(
        self, augment: Augmenter, positions: Sequence[Tensor]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        # All of an epoch's at once: a GPU would wait for each batch's.
        draws = self.sampler.draws(augment.DRAWS)
        draws[:, augment.FLIP] = self.sampler.alternating()
        draws = draws.to(self.store.device)
        for number, (images, labels) in enumerate(self.store.batches(positions)):
            start = number * self.batch_size
            yield augment(images, draws[start : start + len(labels)]), labels

    def __len__(self) -> int:
        return math.ceil(self._visited / self.batch_size)
