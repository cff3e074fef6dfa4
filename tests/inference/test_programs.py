from __future__ import annotations

import torch
from torch import nn

from hpo_torch.data.image_store import ImageStore
from hpo_torch.inference.programs import ImageProgram


def test_images_are_normalised_as_in_training_bit_for_bit():
    images = torch.randint(0, 256, (7, 3, 4, 5), dtype=torch.uint8)
    spec = {"kind": "image", "mean": [0.1, 0.5, 0.9], "std": [0.2, 0.0, 0.3]}
    store = ImageStore.build(
        images,
        torch.zeros(7, dtype=torch.int64),
        (spec["mean"], spec["std"]),
        torch.device("cpu"),
        channels_last=True,
    )
    expected, _ = store.batch(torch.arange(7))
    assert torch.equal(ImageProgram(nn.Identity(), spec)(images), expected)


def test_padding_may_hold_anything(reviews):
    ids = torch.tensor([[2, 3, 0, 0], [2, 3, 5, 1], [4, 2, 3, 2]])
    lengths = torch.tensor([2, 2, 4])
    logits = reviews.program(ids, lengths)
    torch.testing.assert_close(logits[0], logits[1])
    torch.testing.assert_close(logits[0], reviews.network(ids[:1, :2])[0])
    assert not torch.allclose(logits[0], logits[2])
