"""A diagram of a network from top to bottom: layers, shapes and parameters."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from matplotlib.patches import FancyBboxPatch, Rectangle

from hpo_torch.plots.canvas import MARGIN, TIMES, canvas, shape_words, write
from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    GREY,
    LABEL_SIZE,
    ORANGE,
    PURPLE,
    SMALL_SIZE,
    faint,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.architecture import Architecture, Layer

_WIDTH = 8.4
_TOP = 0.9
_ROW = 0.24
_BETWEEN = 0.26  # boxes, where the arrow is
_PAD = 0.05
_NAME, _TYPE, _SHAPE, _COUNT, _SHARE = 0.32, 1.75, 5.15, 6.35, 6.5
"""Where columns begin; those of shapes and counts are where they end."""
_BAR = 1.15  # inches of all parameters
_BASELINE = 0.155  # of a row's words, from its top
_LEAST_SHARE = 0.005  # which rounds to 1 %

_KINDS: Final = {
    "Conv2d": BLUE,
    "LSTM": GREEN,
    "Linear": ORANGE,
    "Embedding": PURPLE,
}
_SETTINGS: Final = (
    (re.compile(r"kernel_size=\((\d+), (\d+)\)"), f"{{0}} {TIMES} {{1}}"),
    (re.compile(r"kernel_size=(\d+)"), f"{{0}} {TIMES} {{0}}"),
    (re.compile(r"^(?:p|rate)=([\d.]+)"), "{0}"),
    (re.compile(r"^(\d+), \d+, padding_idx"), "{0} tokens"),
)
"""What is said of a layer besides its type, from how torch prints its settings."""


def architecture(network: Architecture, pooling: str | None = None) -> Figure:
    """Draw boxes of layers that belong together, joined by arrows in the order they ran.

    Args:
        network: The layers.
        pooling: How a text's steps become one, which no layer of its own does.
    """
    groups = group_layers(network.layers)
    heights = [_ROW * len(group) + 2 * _PAD for group in groups]
    height = _TOP + _ROW + sum(heights) + _BETWEEN * (len(groups) + 1) + MARGIN
    figure, axes = canvas(_WIDTH, height, f"{network.parameters:,} trainable parameters")
    _head_columns(axes)
    y = _TOP
    _put(axes, _NAME, y, "input", weight="bold")
    _put(axes, _TYPE, y, "an image" if len(network.input_shape) > 1 else "a text of so many tokens")
    _put(axes, _SHAPE, y, shape_words(network.input_shape), ha="right")
    y += _ROW
    rank = len(network.input_shape)
    for group, box in zip(groups, heights, strict=True):
        shape = group[0].output_shape
        pooled = len(shape) < rank and group[0].type != "Flatten"
        _arrow(axes, y, f"{pooling} over time" if pooled and pooling else "")
        _draw_group(axes, y + _BETWEEN, group, network.parameters)
        y += _BETWEEN + box
        rank = len(group[-1].output_shape)
    return figure


def group_layers(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Put neighbours of one module together; a layer that stands alone is a group of its own."""
    numbered = enumerate(layers)
    keyed = itertools.groupby(numbered, key=lambda pair: _module(pair[1]) or pair[0])
    return [[layer for _, layer in group] for _, group in keyed]


def _module(layer: Layer) -> str:
    return layer.name.rpartition(".")[0]


def setting(layer: Layer) -> str:
    """Return what matters of a layer's settings, for people; empty where nothing does."""
    for pattern, words in _SETTINGS:
        found = pattern.search(layer.detail)
        if found:
            return words.format(*found.groups())
    return ""


def _head_columns(axes: Axes) -> None:
    look = {"fontsize": SMALL_SIZE, "color": GREY}
    y = _TOP - _ROW
    _put(axes, _NAME, y, "name", **look)
    _put(axes, _TYPE, y, "layer", **look)
    _put(axes, _SHAPE, y, "output shape", ha="right", **look)
    _put(axes, _COUNT, y, "parameters", ha="right", **look)
    _put(axes, _SHARE, y, "share", **look)


def _put(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    """Write on the line of a row that begins at y."""
    write(axes, x, y + _BASELINE, text, **{"fontsize": LABEL_SIZE - 1, "va": "baseline", **how})


def _arrow(axes: Axes, y: float, words: str) -> None:
    x = (_TYPE + _SHAPE) / 2
    axes.annotate(
        "",
        (x, y + _BETWEEN),
        (x, y),
        arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0},
    )
    _put(axes, x + 0.12, y + 0.03, words, style="italic", fontsize=SMALL_SIZE)


def _draw_group(axes: Axes, y: float, group: Sequence[Layer], total: int) -> None:
    height = _ROW * len(group) + 2 * _PAD
    colour = next((_KINDS[layer.type] for layer in group if layer.type in _KINDS), GREY)
    box = FancyBboxPatch(
        (MARGIN, y),
        _WIDTH - 2 * MARGIN,
        height,
        boxstyle="round,pad=0,rounding_size=0.05",
        facecolor="none",
        edgecolor=colour,
        linewidth=1.6,
    )
    axes.add_patch(box)
    band = axes.add_patch(Rectangle((MARGIN, y), 0.07, height, facecolor=colour))
    band.set_clip_path(box)
    name = group[0].name if len(group) == 1 else _module(group[0])
    _put(axes, _NAME, y + _PAD, shorten(name, 18), weight="bold")
    for number, layer in enumerate(group):
        below = y + _PAD + _ROW * number
        _put(axes, _TYPE, below, _words(layer, group))
        _put(axes, _SHAPE, below, shape_words(layer.output_shape), ha="right")
        if layer.parameters:
            _put(axes, _COUNT, below, f"{layer.parameters:,}", ha="right")
            _draw_share(axes, below, layer.parameters / total, colour)


def _words(layer: Layer, group: Sequence[Layer]) -> str:
    """Return a layer's type and setting; its name, too, where another one is of its type."""
    words = f"{layer.type}  {setting(layer)}".rstrip()
    if sum(other.type == layer.type for other in group) > 1:
        words += f"  ({layer.name.rpartition('.')[2]})"
    return words


def _draw_share(axes: Axes, y: float, share: float, colour: str) -> None:
    top, height = y + 0.04, 0.13
    axes.add_patch(Rectangle((_SHARE, top), _BAR, height, facecolor=faint()))
    axes.add_patch(Rectangle((_SHARE, top), _BAR * share, height, facecolor=colour))
    words = "< 1 %" if share < _LEAST_SHARE else f"{100 * share:.0f} %"
    _put(axes, _WIDTH - MARGIN - 0.08, y, words, ha="right", fontsize=SMALL_SIZE)
