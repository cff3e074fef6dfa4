"""Pictures of the best model: which classes it confuses on the test set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.ticker import PercentFormatter

from hpo_torch.plots.style import (
    GREY,
    LABEL_SIZE,
    SMALL_SIZE,
    TITLE_SIZE,
    faint,
    new_figure,
    on_dark,
    shorten,
)
from hpo_torch.results.recalls import confused_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hpo_torch.results.recalls import Confused
    from hpo_torch.results.records import TestReport

_NUMBERED_CLASSES = 20
"""Up to this many classes a cell has room for its number, and a column for its class's name."""
_LONGEST_CLASS = 28
_INCHES_PER_LETTER = 0.085
_STRONG_CELL = 0.4
"""From this share on a cell's blue is so far from the ground's that its number must be, too."""
_GUIDES = 5
"""Lines between every so many classes, to be followed from a cell to its names."""


def row_shares(confusion: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return [C, C] shares 0..1 of each true class; the row of a class without examples is nan."""
    counts = np.asarray(confusion, dtype=np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.full_like(counts, np.nan)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


def confusion_matrix(report: TestReport) -> Figure:
    """Draw the test set's confusion matrix, each row in shares of its class, and the worst pairs.

    Numbers stand in the cells, and names under the columns, where they fit.
    """
    names = [shorten(name, _LONGEST_CLASS) for name in report.class_names]
    figure, matrix, pairs = _panels(names)
    shares = row_shares(report.confusion)
    _draw_matrix(figure, matrix, shares)
    _name_classes(matrix, names)
    if len(names) <= _NUMBERED_CLASSES:
        _number_cells(matrix, shares)
        _list_pairs(pairs, names, confused_pairs(report.confusion))
    else:
        _draw_guides(matrix, len(names))
        numbered = [f"{name}  {index}" for index, name in enumerate(names)]
        _list_pairs(pairs, numbered, confused_pairs(report.confusion))
    low, high = report.interval
    figure.suptitle(
        f"Test accuracy {100 * report.accuracy:.2f} % (95 % interval {100 * low:.2f} to "
        f"{100 * high:.2f} %, {report.examples} examples)",
        fontsize=TITLE_SIZE,
        x=0.01,
        ha="left",
    )
    return figure


def _panels(names: Sequence[str]) -> tuple[Figure, Axes, Axes]:
    side = min(max(4.0, 2.8 + 0.15 * len(names)), 15.0)
    longest = _INCHES_PER_LETTER * max(map(len, names))
    # Beside the matrix: its classes' names, the colour bar, and the list of pairs.
    matrix_width, list_width = side + longest + 1.4, 1.7 + longest
    below = longest if len(names) <= _NUMBERED_CLASSES else 0.3
    figure = new_figure(matrix_width + list_width, max(side + below + 1.0, 5.5))
    matrix, pairs = figure.subplots(1, 2, width_ratios=[matrix_width, list_width])
    return figure, matrix, pairs


def _draw_matrix(figure: Figure, axes: Axes, shares: NDArray[np.float64]) -> None:
    axes.set_facecolor(faint())
    # The square root lets a 1 % confusion be seen beside a 99 % diagonal.
    colours = "Blues_r" if on_dark() else "Blues"
    image = axes.imshow(shares, cmap=colours, norm=PowerNorm(0.5, vmin=0.0, vmax=1.0))
    bar = figure.colorbar(
        image,
        ax=axes,
        fraction=0.04,
        pad=0.02,
        ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1],
        format=PercentFormatter(1.0, decimals=0, symbol=" %"),
    )
    axes.set_title("Each row in % of its true class", fontsize=LABEL_SIZE, loc="left")
    bar.set_label("share of the true class", fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=SMALL_SIZE)


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    positions = range(len(names))
    if len(names) <= _NUMBERED_CLASSES:
        size = LABEL_SIZE - 1
        rows = columns = list(names)
    else:
        size = SMALL_SIZE - 1
        rows = [f"{name}  {index}" for index, name in enumerate(names)]
        columns = [str(index) for index in positions]
    axes.set_yticks(positions, rows, fontsize=size, parse_math=False)
    axes.set_xticks(positions, columns, fontsize=size, rotation=90, parse_math=False)
    axes.set_ylabel("true class", fontsize=LABEL_SIZE)
    axes.set_xlabel("predicted class", fontsize=LABEL_SIZE)


def _draw_guides(axes: Axes, classes: int) -> None:
    for edge in range(_GUIDES, classes, _GUIDES):
        axes.axhline(edge - 0.5, color=GREY, linewidth=0.5, alpha=0.6)
        axes.axvline(edge - 0.5, color=GREY, linewidth=0.5, alpha=0.6)
    axes.tick_params(axis="x", top=True, labeltop=True)


def _number_cells(axes: Axes, shares: NDArray[np.float64]) -> None:
    for (true, predicted), share in np.ndenumerate(shares):
        if share > 0:
            axes.text(
                predicted,
                true,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=SMALL_SIZE,
                color="white" if (share > _STRONG_CELL) != on_dark() else "black",
            )


def _list_pairs(axes: Axes, names: Sequence[str], pairs: Sequence[Confused]) -> None:
    axes.set_axis_off()
    lines = [
        f"{pair.count} ({100 * pair.share:.1f} %)  {names[pair.true]}\n"
        f"     taken for {names[pair.predicted]}"
        for pair in pairs
    ]
    text = "\n".join(lines) if lines else "no example was confused"
    axes.set_title("Most confused", fontsize=LABEL_SIZE, loc="left")
    axes.text(
        0,
        1,
        text,
        transform=axes.transAxes,
        va="top",
        fontsize=SMALL_SIZE + 1,
        linespacing=1.5,
        parse_math=False,
    )
