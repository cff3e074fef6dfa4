from __future__ import annotations

import numpy as np
import pytest
import torch
from health_helps_corruptions import (
    OF_IMAGES,
    OF_TEXTS,
    SEVERITIES,
    corrupted_images,
    corrupted_texts,
)

VOCABULARY = 50


@pytest.fixture(params=[8, 28], ids=["8x8", "28x28"])
def images(request):
    side = request.param
    # Smooth blobs: on white noise a blur could not do more or less.
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    shift = torch.linspace(-0.5, 0.5, 40).view(-1, 1, 1)
    blobs = torch.exp(-6 * ((x - shift) ** 2 + 3 * y**2))
    return (255 * blobs).round().to(torch.uint8).unsqueeze(1)


@pytest.fixture
def ids():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(2, VOCABULARY, (200, 30), generator=generator)
    lengths = torch.randint(1, 31, (200, 1), generator=generator)
    return ids.where(torch.arange(30) < lengths, 0)


@pytest.mark.parametrize("family", OF_IMAGES)
def test_damaged_images_keep_their_shape_and_are_the_same_every_time(images, family):
    first, second = corrupted_images(images)[family], corrupted_images(images)[family]
    assert len(first) == SEVERITIES
    for one, other in zip(first, second, strict=True):
        assert one.shape == images.shape
        assert one.dtype == torch.uint8
        assert torch.equal(one, other)


@pytest.mark.parametrize("family", OF_IMAGES)
def test_severer_damage_changes_images_more(images, family):
    changes = [
        (damaged.float() - images.float()).abs().mean().item()
        for damaged in corrupted_images(images)[family]
    ]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_contrast_is_nearer_to_the_mean_by_the_stated_factor():
    image = np.array([[[[0.0, 200.0]]]])
    assert OF_IMAGES["contrast"](image, 0, np.random.default_rng(0)).tolist() == [[[[60.0, 140.0]]]]


def test_stripe_inverts_whole_columns():
    image = np.full((1, 1, 8, 8), 55.0)
    striped = OF_IMAGES["stripe"](image, 1, np.random.default_rng(0))
    assert sorted(striped[0, 0].mean(axis=0).tolist()) == [55.0] * 6 + [200.0] * 2


@pytest.mark.parametrize("family", OF_TEXTS)
def test_damaged_texts_are_texts_of_known_tokens(ids, family):
    for damaged in corrupted_texts(ids, VOCABULARY)[family]:
        assert damaged.shape == ids.shape
        assert damaged.dtype == torch.int64
        assert int(damaged.max()) < VOCABULARY
        inside = damaged != 0
        assert inside[:, 0].all(), "a text is empty"
        assert (inside[:, 1:] <= inside[:, :-1]).all(), "padding in the middle of a text"


@pytest.mark.parametrize("family", OF_TEXTS)
def test_severer_damage_changes_texts_more(ids, family):
    changes = [
        (damaged != ids).double().mean().item()
        for damaged in corrupted_texts(ids, VOCABULARY)[family]
    ]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_truncation_keeps_the_beginning(ids):
    whole = torch.arange(2, 12).unsqueeze(0)
    kept = [row[row != 0].tolist() for (row,) in corrupted_texts(whole, VOCABULARY)["truncate"]]
    assert kept == [list(range(2, 9)), list(range(2, 7)), list(range(2, 5))]


def test_swap_keeps_the_tokens(ids):
    for damaged in corrupted_texts(ids, VOCABULARY)["swap"]:
        assert torch.equal(damaged.sort(dim=1).values, ids.sort(dim=1).values)
