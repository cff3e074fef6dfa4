"""Many small panels over one axis of epochs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.style import SMALL_SIZE, TITLE_SIZE, ink, new_figure, polish, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MOST_PANELS: Final = 48
"""More are not read; a picture says what it leaves out."""
_WIDTH = 10.0  # inches
_NARROWEST, _PANEL_HEIGHT = 7.5, 1.4  # the narrowest still has room for a legend
_AROUND = 1.1  # inches above and below all panels
_LETTER = 0.068  # inches of a title's letter
_BESIDE = 0.3  # inches of a panel that its title cannot have


def small_multiples(
    titles: Sequence[tuple[str, str]], columns: int, *, same_scale: bool
) -> tuple[Figure, list[Axes]]:
    """Return a figure with one small panel for each title, row by row.

    Args:
        titles: What stands above each panel: a name, cut where it is too long, and what follows it.
        columns: Panels side by side, at most.
        same_scale: Whether all panels share one vertical axis.
    """
    across = min(columns, len(titles))
    rows = math.ceil(len(titles) / across)
    width = max(_NARROWEST, _WIDTH * across / columns)
    letters = int((width / across - _BESIDE) / _LETTER)
    figure = new_figure(width, _AROUND + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, across, sharex=True, sharey=same_scale, squeeze=False)
    panels = list(grid.flat)
    for idle in panels[len(titles) :]:
        idle.remove()
    for position, (axes, (name, rest)) in enumerate(zip(panels, titles, strict=False)):
        polish(axes, "", "", "")
        entitle(axes, shorten(name, max(8, letters - len(rest))) + rest)
        lowest = position + across >= len(titles)
        axes.tick_params(labelsize=SMALL_SIZE - 1, labelbottom=lowest)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    panels[(rows - 1) * across].set_xlabel("epoch", fontsize=SMALL_SIZE)
    return figure, panels[: len(titles)]


def largest(values: NDArray[np.float64], most: int = MOST_PANELS) -> list[int]:
    """Return the positions of the largest values, at most so many, in rising order.

    >>> largest(np.array([0.1, 0.9, 0.3]), 2)
    [1, 2]
    """
    return sorted(np.argsort(-values, kind="stable")[:most].tolist())


def left_out(shown: int, layers: int, most: str) -> str:
    """Say, behind a title, which layers are shown where not all are.

    >>> left_out(48, 60, "dead")
    ' (the 48 of 60 layers with most dead)'
    """
    return "" if shown == layers else f" (the {shown} of {layers} layers with most {most})"


def dress_figure(
    figure: Figure, title: str, handles: Sequence[Artist], *, ylabel: str = ""
) -> None:
    """Say once what all panels are of, what their vertical axes count, and what their marks mean.

    Args:
        figure: From `small_multiples`.
        title: Stands above all panels.
        handles: What the legend below them explains, each with its label.
        ylabel: Stands beside all panels.
    """
    figure.suptitle(title, fontsize=TITLE_SIZE, x=0.01, ha="left")
    if ylabel:
        figure.supylabel(ylabel, fontsize=SMALL_SIZE + 1)
    figure.legend(
        handles=handles,
        loc="outside lower right",
        ncols=len(handles),
        fontsize=SMALL_SIZE + 1,
        frameon=False,
    )


def entitle(axes: Axes, title: str, colour: str | None = None) -> None:
    """Give a small panel its title, in the colour of text by default."""
    axes.set_title(title, fontsize=SMALL_SIZE, loc="left", color=colour or ink(), parse_math=False)


def raise_zero(axes: Axes, least_top: float) -> None:
    """Begin a vertical axis of shares just below 0, so that a line at 0 is seen."""
    top = max(least_top, axes.get_ylim()[1])
    axes.set_ylim(-0.05 * top, top)


def share_epochs(panels: Sequence[Axes], epochs: Sequence[int]) -> None:
    """Give panels over epochs their axis: whole numbers, and room for a single one."""
    for axes in panels:
        axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
