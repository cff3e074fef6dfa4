from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hpo_torch.plugin_api import CorruptDataError, ImageHeader
from hpo_torch_vision.median_shape import MedianShape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("sizes", "longest", "expected"),
    [
        ([(32, 32)], None, (32, 32)),
        ([(28, 28)], None, (32, 32)),  # 28 / 8 = 3.5 rounds to the even 4
        ([(27, 27)], None, (24, 24)),
        ([(30, 40), (31, 41), (500, 900)], None, (32, 40)),
        ([(480, 640)], None, (48, 64)),
        ([(1, 1000)], None, (8, 64)),
        ([(3, 3)], None, (8, 8)),
        ([(480, 640)], 128, (96, 128)),
        ([(16, 16)], 32, (32, 32)),
    ],
)
def test_median_shape(sizes: list[tuple[int, int]], longest: int | None, expected: tuple[int, int]):
    headers = [ImageHeader(height, width, grey=False) for height, width in sizes]
    assert MedianShape(longest).choose(headers) == (3, *expected)


def test_median_shape_has_one_channel_if_all_are_grey():
    grey, colour = ImageHeader(8, 8, grey=True), ImageHeader(8, 8, grey=False)
    assert MedianShape(None).choose([grey, grey])[0] == 1
    assert MedianShape(None).choose([grey, colour])[0] == 3


def test_median_shape_leaves_unreadable_files_out(tmp_path: Path, write_image: Callable[..., Path]):
    (tmp_path / "bad.png").write_bytes(b"no image")
    good = write_image("good.png", size=(16, 24))
    assert MedianShape(None)([tmp_path / "bad.png", good]) == (1, 16, 24)
    with pytest.raises(CorruptDataError, match=r"none of the 1 image files .*bad\.png"):
        MedianShape(None)([tmp_path / "bad.png"])
