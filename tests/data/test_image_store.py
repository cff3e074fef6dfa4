from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2.functional import normalize

from hpo_torch.data.image_store import ImageStore

CPU = torch.device("cpu")
STATISTICS = ((0.5, 0.25, 0.1), (0.2, 0.3, 0.4))


def store_of(images: torch.Tensor, *, channels_last: bool) -> ImageStore:
    return ImageStore.build(
        images, torch.arange(len(images)), STATISTICS, CPU, channels_last=channels_last
    )


@pytest.mark.parametrize("channels_last", [False, True])
def test_batch_is_normalised_as_by_torchvision(channels_last: bool):
    images = torch.randint(0, 256, (9, 3, 4, 5), dtype=torch.uint8)
    positions = torch.tensor([7, 0, 7])
    inputs, labels = store_of(images, channels_last=channels_last).batch(positions)
    expected = normalize(images[positions] / 255, *map(list, STATISTICS))
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs, expected)
    assert labels.tolist() == [7, 0, 7]


@pytest.mark.parametrize("channels_last", [False, True])
def test_batch_has_the_memory_format_of_the_store(channels_last: bool):
    images = torch.zeros((9, 3, 4, 5), dtype=torch.uint8)
    store = store_of(images, channels_last=channels_last)
    inputs, _ = store.batch(torch.arange(4))
    assert inputs.shape == (4, 3, 4, 5)
    assert inputs.is_contiguous(memory_format=torch.channels_last) == channels_last
    assert inputs.is_contiguous() != channels_last


def test_store_keeps_a_byte_a_value():
    store = store_of(torch.zeros((9, 3, 4, 5), dtype=torch.uint8), channels_last=True)
    assert store.pixels.dtype == torch.uint8
    assert store.pixels.numel() == 9 * 3 * 4 * 5
    assert (len(store), store.shape) == (9, (3, 4, 5))


def test_batch_does_not_change_the_stored_images():
    images = torch.randint(0, 256, (9, 3, 4, 5), dtype=torch.uint8)
    before, store = images.clone(), store_of(images, channels_last=False)
    store.batch(torch.arange(9))[0].fill_(-1.0)
    assert torch.equal(store.pixels.view(images.shape), before)


def test_build_centres_a_channel_that_never_varies():
    images = torch.full((2, 1, 3, 3), 51, dtype=torch.uint8)
    store = ImageStore.build(
        images, torch.zeros(2).long(), ((0.2,), (0.0,)), CPU, channels_last=False
    )
    inputs, _ = store.batch(torch.arange(2))
    torch.testing.assert_close(inputs, torch.zeros(2, 1, 3, 3))
