"""One look for all pictures: readable in print, and by people who see colours differently."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from hpo_torch.results.atomic_files import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

# M. Okabe and K. Ito, "Color Universal Design" (2008): told apart with any colour vision.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"
LIGHT_GREY = "#E6E6E6"

TITLE_SIZE = 12
LABEL_SIZE = 10
SMALL_SIZE = 8
DPI = 150

_LONGEST_NAME = 32


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure (inches) that belongs to nobody: pyplot would keep it for ever."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def polish(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Give a panel its title and labels, a light grid behind the data, and no idle frame."""
    axes.set_title(title, fontsize=TITLE_SIZE, loc="left", parse_math=False)
    axes.set_xlabel(xlabel, fontsize=LABEL_SIZE)
    axes.set_ylabel(ylabel, fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=SMALL_SIZE + 1)
    axes.grid(visible=True, color=LIGHT_GREY, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def shorten(name: str, longest: int = _LONGEST_NAME) -> str:
    """Cut the middle out of a long name: beginnings and ends tell names apart.

    >>> shorten("No passing for vehicles over 3.5 metric tons", 20)
    'No passing…tric tons'
    """
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 2
    return f"{name[: longest - 1 - tail]}…{name[len(name) - tail :]}"


def save(figure: Figure, path: Path) -> Path:
    """Write the figure as PNG, atomically; raises OutputError.

    The same figure gives the same bytes: the program's version is left out of the file.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    write_bytes(path, content.getvalue())
    return path
