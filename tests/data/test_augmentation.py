from __future__ import annotations

import math

import pytest
import torch
from torchvision.transforms import v2 as torchvision_transforms
from torchvision.transforms.v2 import functional as torchvision

from hpo_torch.data.augmentation import (
    Augmentation,
    Augmenter,
    affine_maps,
    crop_windows,
    cut_out,
    jitter_colours,
    sampled,
    shift_and_flip,
)

MEAN, STD = (0.5, 0.25, 0.4), (0.2, 0.3, 0.25)


def random_images(count: int, channels: int = 3, size: tuple[int, int] = (8, 6)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(count, channels, *size, generator=generator)
    return images.to(memory_format=torch.channels_last)


def draws(count: int, value: float | None = None) -> torch.Tensor:
    if value is not None:
        return torch.full((count, Augmenter.DRAWS), value)
    return torch.rand(count, Augmenter.DRAWS, generator=torch.Generator().manual_seed(2))


def augment(images: torch.Tensor, numbers: torch.Tensor, **what: object) -> torch.Tensor:
    channels = images.shape[1]
    return Augmenter(Augmentation(**what), MEAN[:channels], STD[:channels])(images, numbers)


def test_nothing_asked_for_returns_the_very_images():
    images = random_images(4)
    assert augment(images, draws(4)) is images


@pytest.mark.parametrize(
    "what",
    [
        {"flip": True},
        {"shift": 2},
        {"crop": 0.3},
        {"affine": 0.2},
        {"cutout": 0.5},
        {"colour": 0.4},
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_change_alone_changes_images_but_not_the_given_ones(what, channels):
    images = random_images(16, channels)
    before = images.clone()
    changed = augment(images, draws(16), **what)
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)
    assert not torch.equal(changed, images)


def test_image_is_changed_alike_in_any_batch():
    images, numbers = random_images(16), draws(16)
    what = {"flip": True, "shift": 2, "crop": 0.3, "affine": 0.2, "cutout": 0.5, "colour": 0.4}
    together = augment(images, numbers, **what)
    for start in (0, 5, 10):
        part = slice(start, start + 5)
        torch.testing.assert_close(augment(images[part], numbers[part], **what), together[part])


def test_flip_mirrors_half_of_the_images():
    images = random_images(1000, 1)
    changed = augment(images, draws(1000), flip=True)
    mirrored = (changed == images.flip(3)).flatten(1).all(dim=1)
    kept = (changed == images).flatten(1).all(dim=1)
    assert (mirrored ^ kept).all()
    assert 450 < mirrored.sum() < 550  # 3.2 standard deviations


def test_shift_and_flip_by_hand():
    image = torch.tensor([[0.0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    images = image.expand(3, 1, 3, 4)
    steps = torch.tensor([[1, 0], [0, -2], [0, 1]])
    changed = shift_and_flip(images, steps, torch.tensor([False, False, True]))[:, 0]
    # one row up: the row before the last one is reflected into the gap
    assert changed[0].tolist() == [[4, 5, 6, 7], [8, 9, 10, 11], [4, 5, 6, 7]]
    # two columns to the right
    assert changed[1, 0].tolist() == [2, 1, 0, 1]
    # one column to the left gives 1 2 3 2, then mirrored
    assert changed[2, 0].tolist() == [2, 3, 2, 1]


def test_shift_is_a_window_of_the_reflected_padding():
    images = random_images(25)
    steps = torch.cartesian_prod(torch.arange(-2, 3), torch.arange(-2, 3))
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2), mode="reflect")
    changed = shift_and_flip(images, steps, torch.zeros(25, dtype=torch.bool))
    for image, (down, right), window in zip(changed, steps.tolist(), padded, strict=True):
        assert torch.equal(image, window[:, 2 + down : 10 + down, 2 + right : 8 + right])


def test_shift_takes_every_step_equally_often():
    ramp = torch.arange(9.0).expand(9000, 1, 9, 9)  # the middle column tells the step
    middle = augment(ramp, draws(9000), shift=2)[:, 0, 4, 4]
    counts = torch.bincount((middle - 4 + 2).long(), minlength=5)
    assert counts.min() > 1650  # 1800 +- 4 standard deviations of 38
    assert len(counts) == 5


@pytest.mark.parametrize(("place", "corner"), [(0.0, (0, 0)), (1.0, (4, 3)), (0.5, (2, 1.5))])
def test_resized_crop_is_bilinear(place, corner):
    images = random_images(2, 3, (8, 6))
    changed = cropped(images, torch.full((2,), 0.5), torch.full((2, 2), place))
    # Pixel i of the result lies at (i + 1/2) / 2 of the window, pixel centres being at 1/2.
    rows = (torch.arange(8) + 0.5) * 0.5 - 0.5 + corner[0]
    columns = (torch.arange(6) + 0.5) * 0.5 - 0.5 + corner[1]
    torch.testing.assert_close(changed, bilinear(images, rows, columns))


def cropped(images: torch.Tensor, sides: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return sampled(images, crop_windows(sides, places)[:, :2])


def bilinear(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Interpolate between pixel centres at rows x columns; the border pixel outside of them."""

    def along(values: torch.Tensor, at: torch.Tensor, axis: int) -> torch.Tensor:
        last = values.shape[axis] - 1
        at = at.clamp(0, last)
        low = at.floor().long()
        share = (at - low).view(-1, *([1] * (3 - axis)))
        high = (low + 1).clamp(max=last)
        return (1 - share) * values.index_select(axis, low) + share * values.index_select(
            axis, high
        )

    return along(along(images, rows, 2), columns, 3)


def test_resized_crop_is_torchvisions_inside_of_the_window():
    images = random_images(2, 3, (8, 6))
    changed = cropped(images, torch.full((2,), 0.5), torch.ones(2, 2))
    theirs = torchvision.resized_crop(images, 4, 3, 4, 3, [8, 6], antialias=False)
    # At the window's border we see the image beyond, torchvision repeats the border.
    torch.testing.assert_close(changed[:, :, 1:7, 1:5], theirs[:, :, 1:7, 1:5])


def test_resized_crop_of_the_whole_image_is_the_image():
    images = random_images(4)
    torch.testing.assert_close(cropped(images, torch.ones(4), torch.rand(4, 2)), images)


def test_affine_map_is_torchvisions_turn():
    images = random_images(1, 3, (9, 9))
    turned = sampled(images, affine_maps(torch.tensor([[0.3, 0, 0, 0]]), 1.0)[:, :2])
    theirs = torchvision.rotate(
        images, math.degrees(0.3), torchvision_transforms.InterpolationMode.BILINEAR
    )
    # At the corners we repeat the border, torchvision shows black.
    torch.testing.assert_close(turned[:, :, 2:7, 2:7], theirs[:, :, 2:7, 2:7], atol=1e-4, rtol=0)


def test_affine_turn_keeps_right_angles_of_a_wide_image():
    height, width = 10.0, 40.0
    theta = affine_maps(torch.tensor([[0.3, 0, 0, 0]]), height / width)[0, :2, :2]
    # from pixels to -1..1 and back
    to_unit = torch.diag(torch.tensor([2 / width, 2 / height]))
    in_pixels = to_unit.inverse() @ theta @ to_unit
    torch.testing.assert_close(in_pixels @ in_pixels.T, torch.eye(2))


def test_affine_scale_and_shear_by_hand():
    maps = affine_maps(torch.tensor([[0.0, 0.5, -0.25, 0.1]]), 1.0)[0]
    torch.testing.assert_close(maps, torch.tensor([[1.5, 0.1, 0], [0, 0.75, 0], [0, 0, 1]]))


def test_affine_amounts_lie_within_what_is_asked_for():
    x = torch.linspace(-1 + 1 / 9, 1 - 1 / 9, 9).expand(200, 1, 9, 9)  # where a pixel lies
    changed = augment(x, draws(200), affine=0.1)
    slopes = (changed[:, 0, 4, 5] - changed[:, 0, 4, 3]) / (x[0, 0, 4, 5] - x[0, 0, 4, 3])
    assert slopes.min() >= 0.9 * math.cos(0.1)
    assert slopes.max() <= 1.1
    assert slopes.std() > 0.03


def test_crop_leaves_off_no_more_than_asked_for():
    ramp = torch.arange(32.0).expand(500, 1, 32, 32)
    changed = augment(ramp, draws(500), crop=0.25)
    spans = changed[:, 0, 0, -1] - changed[:, 0, 0, 0]
    # the window of share s shows the ramp over 31 s of its 31 steps, or less at a border
    assert spans.min() > 31 * 0.75 - 1
    assert spans.max() <= 31
    assert spans.std() > 1


def test_cut_out_by_hand():
    places = torch.tensor([[0.0, 0.0], [0.999, 0.999]])
    changed = cut_out(torch.ones(2, 1, 3, 4), 2, places)[:, 0]
    assert changed[0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1]]
    assert changed[1].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]


def test_cutout_blanks_one_whole_square_anywhere():
    changed = augment(torch.ones(2000, 3, 8, 8), draws(2000), cutout=0.5)
    blank = (changed == 0).all(dim=1)
    assert torch.equal(blank, (changed == 0).any(dim=1))
    assert (blank.sum(dim=(1, 2)) == 16).all()
    assert (blank.any(dim=1).sum(dim=1) == 4).all()
    # 25 places, each 80 times; a corner is blank in one of them
    assert blank[:, 0, 0].sum().item() == pytest.approx(80, abs=35)


def test_jitter_is_torchvisions_brightness_contrast_and_saturation():
    raw = 0.3 + 0.3 * random_images(5)  # far enough from 0 and 1, where torchvision cuts off
    factors = torch.tensor(
        [[1.0, 1, 1], [1.3, 1, 1], [1, 0.6, 1], [1, 1, 1.4], [0.8, 1.2, 0.5]], dtype=torch.float32
    )
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    changed = jitter_colours(normalised(raw, mean, std), factors, (mean, std))
    for image, original, (brightness, contrast, saturation) in zip(
        changed, raw, factors.tolist(), strict=True
    ):
        expected = torchvision.adjust_brightness(original, brightness)
        expected = torchvision.adjust_contrast(expected, contrast)
        expected = torchvision.adjust_saturation(expected, saturation)
        # torchvision's luma weights add up to 0.9999
        torch.testing.assert_close(image, normalised(expected, mean, std), atol=5e-4, rtol=0)


def test_jitter_of_grey_images_is_torchvisions_brightness_and_contrast():
    raw = 0.3 + 0.3 * random_images(2, 1)
    factors = torch.tensor([[1.3, 0.7, 0.1], [0.8, 1.2, 1.9]])  # saturation has no part in it
    mean, std = torch.tensor([0.4]), torch.tensor([0.3])
    changed = jitter_colours(normalised(raw, mean, std), factors, (mean, std))
    for image, original, (brightness, contrast, _) in zip(
        changed, raw, factors.tolist(), strict=True
    ):
        expected = torchvision.adjust_contrast(
            torchvision.adjust_brightness(original, brightness), contrast
        )
        torch.testing.assert_close(image, normalised(expected, mean, std))


def normalised(raw: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    return (raw - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def test_channels_are_reordered_in_all_orders_alike():
    images = torch.tensor([1.0, 2, 3]).view(1, 3, 1, 1).expand(6000, 3, 2, 2)
    changed = augment(images, draws(6000), channels=0.5)
    assert (changed == changed[:, :, :1, :1]).all()
    orders, counts = changed[:, :, 0, 0].unique(dim=0, return_counts=True)
    assert orders.tolist() == [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]]
    # half stay as they are, and a sixth of the others: 3500 and 500 each, 4 deviations of 40, 21
    assert counts.tolist() == pytest.approx([3500, 500, 500, 500, 500, 500], abs=160)


def test_colour_factors_lie_within_what_is_asked_for():
    images = torch.zeros(2, 1, 2, 2)  # all pixels are 0.5: contrast has nothing to do
    low = augment(images, draws(2, 0.0), colour=0.4)
    high = augment(images, draws(2, 0.5), colour=0.4)
    torch.testing.assert_close(low, torch.full_like(low, (0.6 * 0.5 - 0.5) / 0.2))
    torch.testing.assert_close(high, images)


def test_channel_that_never_varies_stays_finite():
    augmenter = Augmenter(Augmentation(colour=0.5), (0.5,), (0.0,))
    assert augmenter(torch.zeros(3, 1, 4, 4), draws(3)).isfinite().all()


def test_augmentation_reads_its_hyperparameters():
    values = {
        "augment_flip": True,
        "augment_shift": 3,
        "augment_crop": 0.15,
        "augment_affine": 0.1,
        "augment_cutout": 0.25,
        "augment_colour": 0.2,
        "augment_channels": 0.5,
        "filters": 32,
    }
    assert Augmentation.of(values) == Augmentation(
        flip=True, shift=3, crop=0.15, affine=0.1, cutout=0.25, colour=0.2, channels=0.5
    )
