"""Token ids of many texts, one after the other in one tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

from hpo_torch.data.tokenizer import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Texts as numbers, of any length, none of them empty.

    Attributes:
        ids: int32 [total], text after text.
        offsets: int64 [N + 1]; text n is `ids[offsets[n]:offsets[n + 1]]`.
    """

    ids: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, texts: Iterable[list[int]]) -> Self:
        """Pack texts; one without a token becomes a single [UNK], so that it can be classified."""
        parts, lengths = [torch.empty(0, dtype=torch.int32)], [0]  # there may be no text at all
        for ids in texts:
            part = torch.tensor(ids or [UNKNOWN], dtype=torch.int32)
            parts.append(part)
            lengths.append(len(part))
        return cls(ids=torch.cat(parts), offsets=torch.tensor(lengths).cumsum(0))

    @property
    def lengths(self) -> Tensor:
        """int64 [N], tokens of each text, at least 1."""
        return self.offsets.diff()

    def shorten(self, sequence_length: int, vocabulary_size: int) -> Self:
        """Return the texts with fewer tokens.

        Of a text that is longer, the first and the last `sequence_length` / 2 tokens are kept (one
        more of the last where that is odd): news open with what matters, reviews close with it.
        `benchmarks/text_truncation.py` compares this with keeping one end.

        Args:
            sequence_length: Most tokens of a text, at least 1.
            vocabulary_size: Tokens with an id from here on become [UNK]; they are the rarest.
        """
        lengths = self.lengths
        kept = lengths.clamp_max(sequence_length)
        offsets = torch.cat((kept.new_zeros(1), kept.cumsum(0)))
        place = torch.arange(int(offsets[-1])) - offsets[:-1].repeat_interleave(kept)
        left_out = (lengths - kept).repeat_interleave(kept)
        source = self.offsets[:-1].repeat_interleave(kept) + place
        source += left_out * (place >= sequence_length // 2)
        ids = self.ids[source]
        return type(self)(ids=ids.where(ids < vocabulary_size, UNKNOWN), offsets=offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1
