"""One image file to pixels: any size and mode, the right way up, resized with antialiasing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8]

# Changes when the same file would give other pixels, so that kept pixels are made anew.
DECODER_VERSION = 1

_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I"})
_DEEP_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})
_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange width and height
_DEEP_WHITE = 65_535


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image's header tells.

    Attributes:
        height: Of the image as it is shown, after its EXIF orientation.
        width: Likewise.
        grey: Whether it has no colours; an image with a palette counts as coloured.
    """

    height: int
    width: int
    grey: bool


def read_image_header(path: Path) -> ImageHeader:
    """Read an image's size and kind without decoding it.

    Raises:
        Exception: Whatever Pillow raises on a file that it cannot read.
    """
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _SIDEWAYS:
            width, height = height, width
        return ImageHeader(height, width, image.mode in _GREY_MODES)


def read_pixels(path: Path, shape: tuple[int, int, int]) -> Pixels:
    """Decode an image file as uint8 [C, H, W]; see `pixels_of`.

    Args:
        path: The file; of an animation the first image counts.
        shape: (1 for greyscale or 3 for RGB, height, width).

    Raises:
        ValueError: Its pixels have no known range.
        Exception: Whatever Pillow raises on a file that it cannot read.
    """
    from PIL import Image

    with Image.open(path) as opened:
        return pixels_of(opened, shape)


def pixels_of(image: Image, shape: tuple[int, int, int]) -> Pixels:
    """Return an image as uint8 [C, H, W].

    Transparency is laid over white, 16 bits become 8 by rounding, and the EXIF orientation is
    applied. The whole image is then resized, whatever its proportions, by Pillow's bilinear
    filter, which widens when it shrinks an image (antialiasing; torchvision's `resize` with
    antialias=True does the same).

    Args:
        image: In any mode.
        shape: (1 for greyscale or 3 for RGB, height, width).

    Raises:
        ValueError: Its pixels have no known range.
        Exception: Whatever Pillow raises on a file that it cannot read.
    """
    import numpy as np
    from PIL import Image, ImageOps

    channels, height, width = shape
    flat = _flatten(ImageOps.exif_transpose(image))
    flat = flat.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(flat.resize((width, height), Image.Resampling.BILINEAR))
    return pixels[np.newaxis] if channels == 1 else pixels.transpose(2, 0, 1)


def _flatten(image: Image) -> Image:
    """Return the image with 8 opaque bits a channel, in a mode that Pillow converts faithfully."""
    from PIL import Image as Images

    if image.mode in _DEEP_MODES:
        return _eight_bits(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Images.new("RGBA", layer.size, "white")
        return Images.alpha_composite(white, layer).convert("RGB")
    return image


def _eight_bits(image: Image) -> Image:
    # Pillow's own conversion cuts at 255 what is a scale of 0..65535.
    import numpy as np
    from PIL import Image as Images

    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > _DEEP_WHITE:
        raise ValueError(f"expected pixels of 0..65535, got {values.min()}..{values.max()}")
    return Images.fromarray(((values * 255 + _DEEP_WHITE // 2) // _DEEP_WHITE).astype(np.uint8))
