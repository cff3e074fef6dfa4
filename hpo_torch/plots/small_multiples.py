"""Many small panels over one axis of epochs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.style import SMALL_SIZE, ink, new_figure, polish, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
