"""A sheet of paper, measured in inches from its upper left corner: for images, boxes and words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from matplotlib.font_manager import FontProperties, findfont, get_font

from hpo_torch.plots.style import SMALL_SIZE, TITLE_SIZE, new_figure

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MARGIN: Final = 0.2
"""Inches around everything."""
LINE: Final = 0.15
"""Height of a line of small text, inches."""
CHARACTER: Final = 0.066
"""Width of an average small character, inches."""
TIMES: Final = "\N{MULTIPLICATION SIGN}"
_UNKNOWN = "\N{WHITE SQUARE}"
_COLOURS = 3


def canvas(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Return an empty sheet of so many inches with a title in its first 0.5 inches."""
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    write(axes, MARGIN, MARGIN, title, fontsize=TITLE_SIZE)
    return figure, axes


def write(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    """Write text whose upper left corner is at (x, y), small by default."""
    look = {"fontsize": SMALL_SIZE, "va": "top", "linespacing": 1.1, **how}
    axes.text(x, y, legible(text), parse_math=False, **look)


def shape_words(shape: Iterable[int]) -> str:
    """Return "16 \N{MULTIPLICATION SIGN} 28 \N{MULTIPLICATION SIGN} 28"."""
    return f" {TIMES} ".join(map(str, shape))


def show(
    axes: Axes, image: NDArray[Any], x: float, y: float, side: float, **how: Any
) -> tuple[float, float]:
    """Show an image with sharp pixels as large as fits into a square.

    Args:
        axes: The sheet.
        image: [H, W] values, or [H, W, 3] colours.
        x: Of the square's left side.
        y: Of its top.
        side: Its length.
        how: What else `Axes.imshow` takes.

    Returns:
        The image's width and height.
    """
    height, width = (side * size / max(image.shape[:2]) for size in image.shape[:2])
    left, top = x + (side - width) / 2, y + (side - height) / 2
    axes.imshow(
        image,
        extent=(left, left + width, top + height, top),
        interpolation="nearest",
        aspect="auto",
        **how,
    )
    return width, height


def show_photograph(axes: Axes, image: NDArray[np.uint8], x: float, y: float, side: float) -> None:
    """Show uint8 [H, W, C] pixels: three channels are red, green and blue, others one grey."""
    if image.shape[2] == _COLOURS:
        show(axes, image, x, y, side)
    else:
        show(axes, image.mean(axis=2), x, y, side, cmap="gray", vmin=0, vmax=255)


def legible(text: str) -> str:
    """Put a white square in the place of every letter that the font does not have."""
    known = _characters()
    return "".join(
        letter if letter == "\n" or ord(letter) in known else _UNKNOWN for letter in text
    )


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())
