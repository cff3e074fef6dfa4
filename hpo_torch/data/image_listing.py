"""The image files in a folder."""

from __future__ import annotations

import os
from pathlib import Path

_SUFFIXES = ".bmp .gif .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp"
IMAGE_SUFFIXES = tuple(_SUFFIXES.split())


def list_images(folder: Path) -> list[str]:
    """Return the images in `folder` and below, in order, as paths from there with "/".

    An image is what has an image's ending; what is hidden (begins with a dot) is not looked at.
    """
    names = []
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(path).relative_to(folder).as_posix()
        prefix = "" if below == "." else f"{below}/"
        names += [f"{prefix}{name}" for name in files if _is_image(name)]
    return sorted(names)


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(IMAGE_SUFFIXES)
