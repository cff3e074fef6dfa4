"""Token ids and labels on a device, and how positions become a padded batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hpo_torch.data.tokenizer import PADDING

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.data.token_ids import TokenIds


class TextStore:
    """A set of texts as numbers on a device.

    Args:
        texts: Of N texts.
        labels: int64 [N].
        device: Where ids, labels and batches live.

    Attributes:
        labels: int64 [N], on the device.
        lengths: int64 [N], on the CPU, where batches are planned without waiting for the device.
    """

    def __init__(self, texts: TokenIds, labels: Tensor, device: torch.device) -> None:
        self.labels = labels.to(device)
        self.lengths = texts.lengths
        self._ids = texts.ids.to(device)
        self._starts = texts.offsets[:-1].to(device)
        self._lengths_there = self.lengths.to(device)

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the texts and labels at int64 [B] positions (on the CPU).

        Returns:
            int64 [B, T], T the longest of these texts, 0 after the end of the others; and int64
            [B]; both on the device.
        """
        longest = int(self.lengths[positions].max())
        there = positions.to(self.labels.device, non_blocking=True)
        place = torch.arange(longest, device=there.device)
        inside = place < self._lengths_there[there].unsqueeze(1)
        source = (self._starts[there].unsqueeze(1) + place).where(inside, 0)
        ids = self._ids[source].long()
        return ids.where(inside, PADDING), self.labels[there]

    def __len__(self) -> int:
        return len(self.lengths)
