from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from hpo_torch_text.text_set import Part, TextSet, fingerprint, text_data


def labels(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


TEXTS = TextSet(Part(["ab", "c"], labels(0, 1)), Part(["d"], labels(1)), ("no", "yes"))


def test_text_data_keeps_texts_and_makes_tensors():
    data = text_data(TEXTS)
    assert list(data.train_texts) == ["ab", "c"]
    assert list(data.test_texts) == ["d"]
    assert torch.equal(data.train_labels, torch.tensor([0, 1]))
    assert torch.equal(data.test_labels, torch.tensor([1]))
    assert data.train_labels.dtype == torch.int64
    assert data.class_names == ("no", "yes")
    assert data.fingerprint == fingerprint(TEXTS)


def test_fingerprint_tells_every_difference():
    others = [
        replace(TEXTS, train=Part(["a", "bc"], labels(0, 1))),  # the same letters in a row
        replace(TEXTS, train=Part(["ab", "c"], labels(1, 0))),
        replace(TEXTS, train=Part(["ab"], labels(0, 1)), test=Part(["c", "d"], labels(1))),
        replace(TEXTS, test=Part(["e"], labels(1))),
        replace(TEXTS, class_names=("no", "maybe")),
        replace(TEXTS, train=Part(["ab", "\ud800"], labels(0, 1))),  # half a surrogate pair
    ]
    same = TextSet(Part(("ab", "c"), labels(0, 1)), Part(["d"], labels(1)), ("no", "yes"))
    assert fingerprint(same) == fingerprint(TEXTS)
    assert len({fingerprint(each) for each in (TEXTS, *others)}) == 7
