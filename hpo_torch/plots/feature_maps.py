"""Pictures of a CNN's inside: the first layer's filters, and what every block sees in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hpo_torch.plots.canvas import LINE, MARGIN, canvas, shape_words, show, show_photograph, write
from hpo_torch.plots.style import LABEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hpo_torch.results.activation_maps import ActivationMaps, BlockMaps

_TOP = 0.85
_COLUMNS = 8
_SIDE = 0.85  # inches
_GAP = 0.1
_MOST_FILTERS = 64
_FEW_FILTERS = 16  # no more than these are drawn twice as large, in half as many columns
_COLOURS = 3
_EXAMPLE = 2 * _SIDE + _GAP
_NAMES = 1.2  # inches beside the maps


def filter_colours(filters: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """Return what filters look like, each on its own scale, on which 0 is the middle.

    Args:
        filters: [F, C, k, k].

    Returns:
        [F, k, k, 3] colours of three channels, else [F, k, k] the mean of the channels, both 0..1:
        0.5 is a weight of 0, 0 or 1 the filter's largest one.
    """
    coloured = filters.shape[1] == _COLOURS
    shown = filters.transpose(0, 2, 3, 1) if coloured else filters.mean(axis=1)
    axes = tuple(range(1, shown.ndim))
    largest = np.abs(shown).max(axis=axes, keepdims=True)
    scaled: NDArray[np.floating[Any]] = shown / np.where(largest > 0, largest, 1)
    return (scaled + 1) / 2


def first_filters(maps: ActivationMaps) -> Figure:
    """Draw the first convolution's filters in rows, at most 64 of them."""
    count, channels, height, width = maps.filters.shape
    shown = filter_colours(maps.filters[:_MOST_FILTERS])
    columns, side = (_COLUMNS // 2, _EXAMPLE) if len(shown) <= _FEW_FILTERS else (_COLUMNS, _SIDE)
    rows = -(-len(shown) // columns)
    some = f"first {len(shown)} of {count}" if len(shown) < count else str(count)
    title = f"The {some} filters of the first layer, {shape_words((height, width))}"
    step = side + _GAP
    figure, axes = canvas(
        2 * MARGIN + columns * step - _GAP, _TOP + rows * step + MARGIN - _GAP, title
    )
    said = "grey is 0; each filter on its own scale"
    if channels == _COLOURS:
        said = "the weights of red, green and blue as colours; " + said
    write(axes, MARGIN, 0.52, said)
    for number, picture in enumerate(shown):
        row, column = divmod(number, columns)
        x, y = MARGIN + column * step, _TOP + row * step
        show(axes, picture, x, y, side, cmap="gray", vmin=0, vmax=1)
    return figure


def activation_maps(
    maps: ActivationMaps, image: NDArray[np.uint8], class_names: Sequence[str]
) -> Figure:
    """Draw the example, uint8 [H, W, C], and below it each block's maps."""
    step = _SIDE + _GAP
    heights = [-(-len(block.maps) // _COLUMNS) * step + _GAP for block in maps.blocks]
    title = f"What the network sees in an image of class {class_names[maps.label]}"
    width = 2 * MARGIN + _NAMES + _COLUMNS * step - _GAP
    figure, axes = canvas(width, _TOP + _EXAMPLE + 2 * _GAP + sum(heights) + MARGIN, title)
    said = "outputs of the activations; each block on its own scale, yellow is its largest value"
    write(axes, MARGIN, 0.52, said)
    write(axes, MARGIN, _TOP, "input", fontsize=LABEL_SIZE, weight="bold")
    show_photograph(axes, image, MARGIN + _NAMES, _TOP, _EXAMPLE)
    y = _TOP + _EXAMPLE + 2 * _GAP
    for block, height in zip(maps.blocks, heights, strict=True):
        _draw_block(axes, y, block)
        y += height
    return figure


def _draw_block(axes: Axes, y: float, block: BlockMaps) -> None:
    maps = block.maps.astype(np.float32)
    kept, height, width = maps.shape
    some = f"first {kept} of\n{block.channels}" if kept < block.channels else f"all {kept}"
    write(axes, MARGIN, y, block.name, fontsize=LABEL_SIZE, weight="bold")
    write(axes, MARGIN, y + 1.4 * LINE, f"{some} maps,\n{shape_words((height, width))}")
    finite = maps[np.isfinite(maps)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    for number, picture in enumerate(maps):
        row, column = divmod(number, _COLUMNS)
        x = MARGIN + _NAMES + column * (_SIDE + _GAP)
        top = y + row * (_SIDE + _GAP)
        show(axes, picture, x, top, _SIDE, cmap="viridis", vmin=low, vmax=high)
