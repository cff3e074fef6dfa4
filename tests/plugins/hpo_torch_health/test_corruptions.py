from __future__ import annotations

import pytest
import torch

from hpo_torch_health.corruptions import (
    OF_IMAGES,
    OF_TEXTS,
    PADDING,
    UNKNOWN,
    blur,
    contrast,
    corruptions_of,
    drop_tokens,
    hide_tokens,
    noise,
    shift,
)


def test_contrast_by_hand() -> None:
    images = torch.tensor([[[[0.0, 4.0]]]])
    assert contrast(images).tolist() == [[[[1.0, 3.0]]]]


def test_blur_spreads_a_point_and_leaves_a_plane() -> None:
    point = torch.zeros(1, 2, 5, 5)
    point[0, 1, 2, 2] = 16.0
    blurred = blur(point)
    assert blurred[0, 1, 1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert blurred[0, 0].abs().sum() == 0
    assert torch.equal(blur(torch.full((2, 1, 4, 4), 3.0)), torch.full((2, 1, 4, 4), 3.0))


def test_shift_moves_each_image_one_pixel_either_way() -> None:
    row = torch.tensor([1.0, 2.0, 3.0])
    shifted = shift(row.repeat(200, 1, 2, 1))
    ways = {tuple(image[0, 0].tolist()) for image in shifted}
    assert ways == {(2.0, 3.0, 3.0), (1.0, 1.0, 2.0)}
    assert torch.equal(shifted[:, :, 0], shifted[:, :, 1])


def test_noise_is_a_share_of_each_channels_deviation() -> None:
    images = torch.randn(400, 2, 8, 8) * torch.tensor([1.0, 10.0]).view(1, 2, 1, 1)
    added = (noise(images) - images).std((0, 2, 3))
    assert added.tolist() == pytest.approx([0.3, 3.0], rel=0.05)


@pytest.fixture
def ids() -> torch.Tensor:
    ids = torch.randint(2, 50, (500, 40))
    return ids.masked_fill(torch.arange(40) > torch.arange(500).unsqueeze(1) % 40, PADDING)


def test_dropped_tokens_close_up_in_order(ids: torch.Tensor) -> None:
    dropped = drop_tokens(ids)
    left = (dropped != PADDING).sum().item() / (ids != PADDING).sum().item()
    assert left == pytest.approx(0.9, abs=0.02)
    assert (dropped != PADDING).any(1).all()
    for before, after in zip(ids.tolist(), dropped.tolist(), strict=True):
        tokens = [token for token in after if token != PADDING]
        assert after == tokens + [PADDING] * (40 - len(tokens))
        rest = iter(before)
        assert all(token in rest for token in tokens)  # a subsequence


def test_hidden_tokens_become_unknown_ones(ids: torch.Tensor) -> None:
    hidden = hide_tokens(ids)
    changed = hidden != ids
    assert (hidden[changed] == UNKNOWN).all()
    assert (ids[changed] != PADDING).all()
    share = changed.sum().item() / (ids != PADDING).sum().item()
    assert share == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("damage", [*OF_IMAGES.values(), *OF_TEXTS.values()])
def test_damage_repeats_with_the_random_state_and_leaves_its_input(
    damage: object, ids: torch.Tensor
) -> None:
    inputs = torch.rand(20, 3, 6, 6) if damage in OF_IMAGES.values() else ids
    before = inputs.clone()
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(damage(inputs))
    assert torch.equal(*results)
    assert torch.equal(inputs, before)
    assert results[0].shape == inputs.shape
    assert not torch.equal(results[0], inputs)


def test_which_damage_suits_which_inputs(ids: torch.Tensor) -> None:
    assert corruptions_of(torch.rand(2, 1, 4, 4)) is OF_IMAGES
    assert corruptions_of(ids) is OF_TEXTS
    assert corruptions_of(torch.rand(2, 5)) == {}
