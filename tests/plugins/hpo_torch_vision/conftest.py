"""Image files made for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Write an image of one value under tmp_path; a tuple makes it RGB."""

    def write(name: str, value: int | tuple[int, ...] = 0, size: tuple[int, int] = (8, 8)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((*size, *np.shape(value)), value, dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write
