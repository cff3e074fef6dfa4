from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpo_torch.plugin_api import CorruptDataError, DataRequest
from hpo_torch_vision.decoded_images import DecodedImages, FixedShape, ImageFiles, Unreadable
from hpo_torch_vision.unreadable_files import check_readable

FILES = ImageFiles(
    Path("own"), tuple(f"{number}.png" for number in range(9)), FixedShape((1, 1, 1))
)


def images(*unreadable: int) -> DecodedImages:
    pixels = np.zeros((9, 1, 1, 1), np.uint8)
    return DecodedImages(pixels, tuple(Unreadable(each, f"reason {each}") for each in unreadable))


def test_check_readable_names_five_files_and_counts_the_rest():
    with pytest.raises(CorruptDataError) as error:
        check_readable(FILES, images(0, 1, 2, 4, 5, 7, 8), DataRequest(data_dir=Path()))
    assert str(error.value) == (
        "7 of 9 image files in own cannot be read: 0.png (reason 0), 1.png (reason 1), "
        "2.png (reason 2), 4.png (reason 4), 5.png (reason 5) and 2 more. Repair or delete them, "
        "or leave them out: --skip-corrupt (data.skip_corrupt)."
    )


def test_check_readable_skips_with_one_warning():
    lines: list[str] = []
    request = DataRequest(data_dir=Path(), skip_corrupt=True, warn=lines.append)
    assert check_readable(FILES, images(3), request).tolist() == [True] * 3 + [False] + [True] * 5
    assert lines == ["1 of 9 image files in own cannot be read and are left out: 3.png (reason 3)"]


def test_check_readable_says_nothing_when_all_is_well():
    request = DataRequest(data_dir=Path(), warn=pytest.fail)
    assert check_readable(FILES, images(), request).all()
