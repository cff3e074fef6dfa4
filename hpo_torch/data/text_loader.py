"""Batches of texts of about one length, so that little of them is padding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from hpo_torch.data.device_loader import EpochOrder
from hpo_torch.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from hpo_torch.data.text_store import TextStore

# Shuffled texts are sorted by length within so many batches: enough for batches of nearly one
# length, few enough that a text meets other ones in every epoch.
_BATCHES_A_POOL = 50


class TextLoader:
    """An iterable of (int64 [B, T], int64 [B]) on the store's device; every text exactly once.

    With a seed, texts are shuffled, sorted by length within pools of 50 batches, cut into batches,
    and the batches shuffled: all of it a function of seed and epoch. Without one, texts come
    sorted by length.

    Args:
        store: Where the texts are.
        examples: int64 [N], the store's positions that this loader goes through.
        batch_size: Texts a batch; one batch is smaller where N leaves a remainder.
        seed: Of the shuffling, anew in every epoch; None sorts.

    Attributes:
        sampler: Where the epoch is set; by Lightning, or by hand outside of it.
        batch_sampler: None, as a DataLoader's without one; Lightning asks for both.
    """

    batch_sampler: ClassVar[None] = None

    def __init__(
        self, store: TextStore, examples: Tensor, batch_size: int, *, seed: int | None = None
    ) -> None:
        if batch_size < 1:
            raise InvalidValueError("batch_size", "at least 1", batch_size)
        self.store, self.batch_size = store, batch_size
        self.sampler = EpochOrder(len(examples), seed)
        self._examples = examples.cpu()

    def plan(self) -> list[Tensor]:
        """Return the store's positions of each of the epoch's batches, int64 [B] on the CPU."""
        visited = self._examples[self.sampler.positions()]
        if self.sampler.seed is None:
            return _cut(self._by_length(visited), self.batch_size)
        pools = _cut(visited, self.batch_size * _BATCHES_A_POOL)
        batches = [
            batch for pool in pools for batch in _cut(self._by_length(pool), self.batch_size)
        ]
        order = self.sampler.draws(1)[: len(batches), 0].argsort(stable=True)
        return [batches[number] for number in order.tolist()]

    def _by_length(self, positions: Tensor) -> Tensor:
        return positions[self.store.lengths[positions].argsort(stable=True)]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # A generator: planned at the first batch, see `DeviceLoader`.
        yield from map(self.store.batch, self.plan())

    def __len__(self) -> int:
        return math.ceil(len(self._examples) / self.batch_size)


def _cut(positions: Tensor, size: int) -> list[Tensor]:
    return [positions[start : start + size] for start in range(0, len(positions), size)]
