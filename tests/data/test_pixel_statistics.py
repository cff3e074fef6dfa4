from __future__ import annotations

import pytest
import torch

from hpo_torch.data.pixel_statistics import pixel_statistics


def test_pixel_statistics_by_hand():
    images = torch.tensor([[[[0, 255]], [[51, 51]]]], dtype=torch.uint8)  # 1 image, 2 channels
    mean, std = pixel_statistics(images)
    assert mean == pytest.approx((0.5, 0.2))
    assert std == pytest.approx((0.5, 0.0))


def test_pixel_statistics_agree_with_a_direct_computation():
    images = torch.randint(0, 256, (50, 3, 7, 5), dtype=torch.uint8)
    scaled = images.double() / 255
    mean, std = pixel_statistics(images)
    assert mean == pytest.approx(scaled.mean(dim=(0, 2, 3)).tolist(), rel=1e-12)
    assert std == pytest.approx(scaled.std(dim=(0, 2, 3), correction=0).tolist(), rel=1e-12)


def test_pixel_statistics_of_some_examples_are_those_of_their_images():
    images = torch.randint(0, 256, (9000, 2, 3, 3), dtype=torch.uint8)  # more than one chunk
    examples = torch.randperm(9000)[:8500]
    assert pixel_statistics(images, examples) == pixel_statistics(images[examples])
    assert pixel_statistics(images, examples) != pixel_statistics(images)
