from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hpo_torch.data.checks import check_image_data, check_text_data
from hpo_torch.data.spec import ImageData, TextData
from hpo_torch.errors import PluginError

GOOD = ImageData(
    train_images=torch.zeros((4, 1, 2, 2), dtype=torch.uint8),
    train_labels=torch.tensor([0, 1, 0, 1]),
    test_images=torch.zeros((2, 1, 2, 2), dtype=torch.uint8),
    test_labels=torch.tensor([0, 1]),
    class_names=("a", "b"),
    groups=torch.arange(4),
)


def test_check_accepts_what_keeps_the_contract():
    check_image_data("toy", GOOD)
    check_image_data("toy", replace(GOOD, groups=None))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"train_images": torch.zeros(4, 1, 2, 2)},
            r"train_images: expected uint8 \[N, C, H, W\], got float32 \[4, 1, 2, 2\]",
        ),
        ({"test_images": torch.zeros((2, 2, 2), dtype=torch.uint8)}, r"got uint8 \[2, 2, 2\]"),
        ({"train_labels": torch.tensor([0, 1])}, r"expected int64 \[4\], got int64 \[2\]"),
        ({"test_labels": torch.tensor([0.0, 1.0])}, r"expected int64 \[2\], got float32"),
        (
            {"test_labels": torch.tensor([0, 2])},
            r"expected 0\.\.1 \(2 class names\), got 0\.\.2",
        ),
        (
            {"test_images": torch.zeros((2, 1, 3, 2), dtype=torch.uint8)},
            r"of one shape, got \(1, 2, 2\) and \(1, 3, 2\)",
        ),
        ({"groups": torch.arange(3)}, r"groups: expected int64 \[4\], got int64 \[3\]"),
        (
            {
                "test_images": torch.zeros((0, 1, 2, 2), dtype=torch.uint8),
                "test_labels": torch.zeros(0, dtype=torch.int64),
            },
            "expected at least one example",
        ),
    ],
)
def test_check_says_what_is_wrong(change: dict[str, torch.Tensor], message: str):
    with pytest.raises(PluginError, match=f"dataset 'toy': .*{message}"):
        check_image_data("toy", replace(GOOD, **change))


def test_a_test_part_may_be_withheld_but_not_in_part():
    nothing = {"test_images": GOOD.test_images[:0], "test_labels": GOOD.test_labels[:0]}
    check_image_data("toy", replace(GOOD, **nothing, test_withheld=True))
    with pytest.raises(PluginError, match="no test part where it is withheld, got 2 examples"):
        check_image_data("toy", replace(GOOD, test_withheld=True))
    texts = TextData(
        train_texts=["a", "b"],
        train_labels=torch.tensor([0, 1]),
        test_texts=[],
        test_labels=torch.tensor([1])[:0],
        class_names=("a", "b"),
    )
    check_text_data("toy", replace(texts, test_withheld=True))
    with pytest.raises(PluginError, match="expected at least one example"):
        check_text_data("toy", texts)
