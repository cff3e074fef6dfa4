from __future__ import annotations

import pytest
import torch

from hpo_torch.inference.labelled import Labelled
from hpo_torch.inference.scoring import score


class Balance:
    """Takes the side of an image that is brighter for its class; the left one is class 0."""

    class_names = ("left", "right")

    def logits(self, pixels):
        return pixels.float().mean(dim=(1, 2))


def test_mirror_images_are_classified_too_and_their_logits_averaged():
    # The mirror image of each says the opposite, so that the means of both sides are equal.
    pixels = torch.tensor([[3, 1], [1, 3]], dtype=torch.uint8).view(2, 1, 1, 2)
    examples = Labelled(pixels, torch.tensor([0, 1]))
    assert score(Balance(), examples).confusion == [[1, 0], [0, 1]]
    averaged = score(Balance(), examples, mirrored=True)
    assert averaged.confusion == [[1, 0], [1, 0]]  # of equal ones the first
    assert averaged.loss == pytest.approx(0.6931, abs=1e-4)  # ln 2


def test_mirrored_logits_of_a_real_model_are_the_mean(digits, digit_data):
    images, labels = digit_data.test_images[:50], digit_data.test_labels[:50]
    expected = (digits.logits(images) + digits.logits(images.flip(-1))) / 2
    loss = torch.nn.functional.cross_entropy(expected.double(), labels)
    found = score(digits, Labelled(images, labels), mirrored=True)
    assert found.loss == pytest.approx(float(loss), abs=1e-9)


def test_texts_have_no_mirror_images(reviews):
    with pytest.raises(TypeError, match="expected images, got texts"):
        score(reviews, Labelled(["fine"], torch.tensor([0])), mirrored=True)
