from __future__ import annotations

from itertools import chain, pairwise

import pytest
import torch

from hpo_torch.data.text_loader import TextLoader
from hpo_torch.data.text_store import TextStore
from hpo_torch.data.token_ids import TokenIds
from hpo_torch.errors import InvalidValueError

COUNT = 1000


@pytest.fixture
def store() -> TextStore:
    """Text n has 1 to 50 tokens and label n."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 51, (COUNT,), generator=generator).tolist()
    texts = TokenIds.of([2] * length for length in lengths)
    return TextStore(texts, torch.arange(COUNT), torch.device("cpu"))


def visited(loader: TextLoader, epoch: int = 0) -> list[list[int]]:
    loader.sampler.set_epoch(epoch)
    return [labels.tolist() for _, labels in loader]


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 8, 2000])
def test_every_text_comes_exactly_once(store: TextStore, batch_size: int, seed: int | None):
    examples = torch.arange(100, 900)
    loader = TextLoader(store, examples, batch_size, seed=seed)
    batches = visited(loader)
    assert sorted(chain.from_iterable(batches)) == examples.tolist()
    assert len(loader) == len(batches)
    assert max(map(len, batches)) == min(batch_size, 800)


def test_order_is_a_function_of_seed_and_epoch(store: TextStore):
    def order(seed: int, epoch: int) -> list[list[int]]:
        return visited(TextLoader(store, torch.arange(COUNT), 8, seed=seed), epoch)

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 0)
    assert order(0, 1) != order(1, 1)


def test_texts_of_a_batch_have_about_one_length(store: TextStore):
    """Of a batch's tokens, padding is a few percent, not the half that chance would make it."""

    def padding(batches) -> float:
        cells = sum(ids.numel() for ids, _ in batches)
        return 1 - sum(int((ids != 0).sum()) for ids, _ in batches) / cells

    bucketed = list(TextLoader(store, torch.arange(COUNT), 8, seed=0))
    shuffled = [store.batch(positions) for positions in torch.randperm(COUNT).split(8)]
    assert padding(bucketed) < 0.05
    assert padding(shuffled) > 0.35


def test_batches_do_not_come_by_length(store: TextStore):
    lengths = [ids.shape[1] for ids, _ in TextLoader(store, torch.arange(COUNT), 8, seed=0)]
    falls = sum(second < first for first, second in pairwise(lengths))
    assert falls == pytest.approx(len(lengths) / 2, rel=0.2)


def test_without_a_seed_texts_come_by_length(store: TextStore):
    loader = TextLoader(store, torch.arange(COUNT), 8)
    order = torch.tensor(list(chain.from_iterable(visited(loader))))
    assert torch.equal(store.lengths[order], store.lengths.sort().values)
    assert visited(loader, 0) == visited(loader, 1)


def test_batch_size_below_1_is_refused(store: TextStore):
    with pytest.raises(InvalidValueError, match="batch_size: expected at least 1, got 0"):
        TextLoader(store, torch.arange(COUNT), 0)
