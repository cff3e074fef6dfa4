from __future__ import annotations

import torch

from hpo_torch.data.text_store import TextStore
from hpo_torch.data.token_ids import TokenIds


def test_batch_is_padded_to_its_own_longest():
    texts = TokenIds.of([[5, 6, 7, 8], [9], [3, 4]])
    store = TextStore(texts, torch.tensor([2, 0, 1]), torch.device("cpu"))
    ids, labels = store.batch(torch.tensor([2, 1]))
    assert ids.tolist() == [[3, 4], [9, 0]]
    assert ids.dtype == torch.int64
    assert labels.tolist() == [1, 0]
    assert store.batch(torch.tensor([0]))[0].tolist() == [[5, 6, 7, 8]]
    assert len(store) == 3
