from __future__ import annotations

import pytest
import torch

from hpo_torch.data.token_ids import TokenIds


def texts_of(ids: TokenIds) -> list[list[int]]:
    return [
        ids.ids[start:end].tolist()
        for start, end in zip(ids.offsets, ids.offsets[1:], strict=False)
    ]


def test_texts_are_packed_in_order_and_empty_ones_are_unknown():
    packed = TokenIds.of([[5, 6, 7], [], [8]])
    assert texts_of(packed) == [[5, 6, 7], [1], [8]]
    assert packed.lengths.tolist() == [3, 1, 1]
    assert packed.ids.dtype == torch.int32
    assert len(packed) == 3


def test_there_may_be_no_text_at_all():
    packed = TokenIds.of([])
    assert (len(packed), packed.ids.tolist(), packed.offsets.tolist()) == (0, [], [0])
    assert texts_of(packed.shorten(4, 100)) == []


@pytest.mark.parametrize(
    ("longest", "kept"),
    [
        (1, [[16], [21]]),
        (2, [[10, 16], [20, 21]]),
        (3, [[10, 15, 16], [20, 21]]),
        (4, [[10, 11, 15, 16], [20, 21]]),
        (7, [[10, 11, 12, 13, 14, 15, 16], [20, 21]]),
        (9, [[10, 11, 12, 13, 14, 15, 16], [20, 21]]),
    ],
)
def test_long_texts_keep_their_beginning_and_their_end(longest: int, kept: list[list[int]]):
    whole = TokenIds.of([[10, 11, 12, 13, 14, 15, 16], [20, 21]])
    assert texts_of(whole.shorten(longest, 100)) == kept


def test_rare_tokens_become_unknown():
    whole = TokenIds.of([[2, 5, 3], [4]])
    assert texts_of(whole.shorten(10, 4)) == [[2, 1, 3], [1]]
    assert texts_of(whole) == [[2, 5, 3], [4]]
