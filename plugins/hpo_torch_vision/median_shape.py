"""The one shape of the user's own images, chosen from theirs."""

from __future__ import annotations

import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import CorruptDataError, read_image_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.plugin_api import ImageHeader

LONGEST_SIDE = 64  # by default: a network on 64x64 trains in minutes on a CPU
_STEP = 8  # both sides are multiples: three poolings by 2 lose no row
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class MedianShape:
    """The median height and width, scaled down together to fit, each rounded to a multiple of 8.

    One channel if every image is greyscale, else three.

    Attributes:
        longest: Length of the longer side; None for the median's own, but 64 at most.
    """

    longest: int | None

    def __call__(self, paths: Sequence[Path]) -> tuple[int, int, int]:
        """Return (channels, height, width).

        Raises:
            CorruptDataError: No image's header can be read.
        """
        with ThreadPoolExecutor(_THREADS) as pool:
            headers = [each for each in pool.map(_header, paths) if each is not None]
        if not headers:
            raise CorruptDataError(
                f"none of the {len(paths)} image files can be read, for instance {paths[0]}"
            )
        return self.choose(headers)

    def choose(self, headers: Sequence[ImageHeader]) -> tuple[int, int, int]:
        """Return (channels, height, width) for images with these headers, at least one."""
        height = statistics.median(header.height for header in headers)
        width = statistics.median(header.width for header in headers)
        longest = max(height, width)
        scale = (self.longest or min(longest, LONGEST_SIDE)) / longest
        height, width = (
            max(_STEP, _STEP * round(side * scale / _STEP)) for side in (height, width)
        )
        return 1 if all(header.grey for header in headers) else 3, height, width


def _header(path: Path) -> ImageHeader | None:
    try:
        return read_image_header(path)
    except Exception:  # reported by name when the file is decoded
        return None
