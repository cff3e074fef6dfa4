from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from hpo_torch.search.cnn_shapes import block_sizes, misfit


@pytest.mark.parametrize(
    ("size", "blocks", "expected"),
    [
        (28, (4, 3, "same", 2), (14, 7, 3, 1)),
        (32, (3, 5, "valid", 2), (14, 5)),  # 32-4=28/2=14, 14-4=10/2=5, 5-4=1: no 2x2 to pool
        (8, (2, 3, "same", 3), (2,)),
    ],
)
def test_block_sizes_by_hand(size, blocks, expected):
    layers, kernel, padding, pool = blocks

    sizes = block_sizes(
        size, conv_layers=layers, kernel_size=kernel, padding=padding, pool_size=pool
    )

    assert sizes == expected


def test_block_sizes_agree_with_torch_for_every_combination():
    for size, kernel, padding, pool in product(range(2, 20), (3, 5), ("same", "valid"), (2, 3)):
        block = nn.Sequential(
            nn.Conv2d(1, 1, kernel, padding=kernel // 2 if padding == "same" else 0),
            nn.MaxPool2d(pool),
        ).to("meta")
        images = torch.empty(1, 1, size, size, device="meta")
        expected = []
        try:
            for _ in range(4):
                images = block(images)
                expected.append(images.shape[-1])
        except RuntimeError:  # torch refuses an output without pixels
            pass

        sizes = block_sizes(
            size, conv_layers=4, kernel_size=kernel, padding=padding, pool_size=pool
        )

        assert sizes == tuple(expected), (size, kernel, padding, pool)


def test_misfit_names_the_layer_and_what_is_left():
    reason = misfit(32, 40, conv_layers=3, kernel_size=5, padding="valid", pool_size=2)

    assert reason == (
        "With 3 conv layers, kernel 5 (valid) and pooling 2 on 32x40 images, "
        "layer 3 would get 5 pixels a side: too few."
    )


def test_misfit_is_none_where_the_blocks_fit():
    assert misfit(28, 28, conv_layers=4, kernel_size=3, padding="same", pool_size=2) is None
