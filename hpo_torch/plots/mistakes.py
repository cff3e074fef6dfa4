"""A picture of the mistakes that a model was surest of, images or texts."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from hpo_torch.plots.canvas import CHARACTER, LINE, MARGIN, canvas, show_photograph, write
from hpo_torch.plots.style import SMALL_SIZE, VERMILION, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hpo_torch.results.mistakes import Mistakes

_TITLE = 0.55
_COLUMNS = 6
_SIDE = 1.6  # of an image, inches
_GAP = 0.25
_NAME_LINES = 2

_MOST_TEXTS = 12
_TEXT_WIDTH = 11.0
_LONGEST_NAME = 48


def confident_mistakes(mistakes: Mistakes, class_names: Sequence[str], wrong: int) -> Figure:
    """Draw images in rows, or texts below each other, the most confident mistake first.

    Args:
        mistakes: At least one.
        class_names: One per class.
        wrong: Mistakes on the whole test set.
    """
    if mistakes.images is not None:
        return _image_sheet(mistakes, mistakes.images, class_names, wrong)
    return _text_list(mistakes, mistakes.texts or (), class_names, wrong)


def _title(shown: int, wrong: int) -> str:
    if shown == wrong:
        return f"All {wrong} mistakes on the test set, the most confident first"
    return f"The {shown} most confident of {wrong:,} mistakes on the test set"


def _image_sheet(
    mistakes: Mistakes, images: NDArray[np.uint8], class_names: Sequence[str], wrong: int
) -> Figure:
    columns = min(_COLUMNS, max(len(mistakes), 4))
    rows = -(-len(mistakes) // columns)
    captions = [_caption(mistakes, number, class_names) for number in range(len(mistakes))]
    lines = max(len(true) + len(taken) for true, taken in captions)
    across, down = _SIDE + _GAP, _SIDE + LINE * lines + _GAP
    width = 2 * MARGIN + columns * across - _GAP
    title = _title(len(mistakes), wrong)
    figure, axes = canvas(width, _TITLE + rows * down, title)
    for number, (image, (true, taken)) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        x, y = MARGIN + column * across, _TITLE + row * down
        show_photograph(axes, image, x, y, _SIDE)
        below = y + _SIDE + 0.05
        write(axes, x, below, "\n".join(true), weight="bold")
        write(axes, x, below + LINE * len(true), "\n".join(taken))
    return figure


def _caption(
    mistakes: Mistakes, number: int, class_names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the lines about an image's class, and about what it was taken for."""
    true, taken = (class_names[int(side[number])] for side in (mistakes.true, mistakes.predicted))
    probability = 100 * float(mistakes.probabilities[number])
    return _wrapped(f"is {true}"), [*_wrapped(f"taken for {taken}"), f"with {probability:.1f} %"]


def _wrapped(caption: str) -> list[str]:
    letters = int((_SIDE + _GAP / 2) / CHARACTER)
    return textwrap.wrap(shorten(caption, _NAME_LINES * letters - 6), letters)[:_NAME_LINES]


def _text_list(
    mistakes: Mistakes, texts: Sequence[str], class_names: Sequence[str], wrong: int
) -> Figure:
    letters = int((_TEXT_WIDTH - 2 * MARGIN - _GAP) / CHARACTER)
    shown = [_lines(text, letters) for text in texts[:_MOST_TEXTS]]
    heights = [LINE * (len(lines) + 1) + _GAP for lines in shown]
    title = _title(len(shown), wrong)
    figure, axes = canvas(_TEXT_WIDTH, _TITLE + sum(heights), title)
    y = _TITLE
    for number, lines in enumerate(shown):
        true, taken = (
            shorten(class_names[int(side[number])], _LONGEST_NAME)
            for side in (mistakes.true, mistakes.predicted)
        )
        probability = 100 * float(mistakes.probabilities[number])
        heading = f"is {true}, taken for {taken} with {probability:.1f} %"
        write(axes, MARGIN, y, heading, weight="bold", fontsize=SMALL_SIZE + 1)
        write(axes, MARGIN + _GAP, y + LINE + 0.03, "\n".join(lines))
        axes.plot(
            [MARGIN + 0.08] * 2, [y + LINE + 0.05, y + LINE * (len(lines) + 1)], color=VERMILION
        )
        y += heights[number]
    return figure


def _lines(text: str, letters: int) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), letters) or ["(an empty text)"]
