"""One look for all pictures: readable in print, and by people who see colours differently."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal

import matplotlib as mpl
from matplotlib.animation import Animation, PillowWriter
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from hpo_torch.results.atomic_files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from PIL import Image

Format = Literal["png", "svg", "pdf"]
GIF: Final = "gif"

# M. Okabe and K. Ito, "Color Universal Design" (2008): told apart with any colour vision.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"

TITLE_SIZE = 12
LABEL_SIZE = 10
SMALL_SIZE = 8
DPI = 150

_LONGEST_NAME = 32


_LIGHT: Final[dict[Any, Any]] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "text.color": "black",
    "axes.edgecolor": "black",
    "axes.labelcolor": "black",
    "xtick.color": "black",
    "ytick.color": "black",
    "grid.color": "#E6E6E6",
}
_DARK: Final[dict[Any, Any]] = {
    **dict.fromkeys(_LIGHT, "#E0E0E0"),
    "figure.facecolor": "#1C1C1C",
    "axes.facecolor": "#1C1C1C",
    "grid.color": "#3C3C3C",
}
_ALWAYS: Final[dict[Any, Any]] = {"svg.hashsalt": "hpo-torch", "svg.fonttype": "path"}
FRAMES_A_SECOND: Final = 4
FIRST_HELD, LAST_HELD = 1.0, 3.0
"""Seconds that an animation's first and last frame stand still."""


@dataclass(frozen=True, slots=True)
class Look:
    """Format and colours of pictures; animations are GIFs in every format."""

    format: Format = "png"
    dark: bool = False

    @property
    def suffix(self) -> str:
        """What a file's name has before its ending, so that both variants can lie side by side."""
        return "_dark" if self.dark else ""


@contextmanager
def dressed(look: Look) -> Iterator[None]:
    """Within, figures are made and saved in this look."""
    with mpl.rc_context():
        mpl.rcParams.update(_ALWAYS)
        mpl.rcParams.update(_DARK if look.dark else _LIGHT)
        yield


def ink() -> str:
    """Return the colour of text in the look of the moment."""
    return str(mpl.rcParams["text.color"])


def paper() -> str:
    """Return the colour of the ground in the look of the moment."""
    return str(mpl.rcParams["figure.facecolor"])


def faint() -> str:
    """Return the colour of grids in the look of the moment: hardly seen on its ground."""
    return str(mpl.rcParams["grid.color"])


def on_dark() -> bool:
    """Whether the ground is darker than its text in the look of the moment."""
    return sum(to_rgb(paper())) < sum(to_rgb(ink()))


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure (inches) that belongs to nobody: pyplot would keep it for ever."""
    return Figure(figsize=(width, height), layout="constrained")


def polish(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Give a panel its title and labels, a light grid behind the data, and no idle frame."""
    axes.set_title(title, fontsize=TITLE_SIZE, loc="left", parse_math=False)
    axes.set_xlabel(xlabel, fontsize=LABEL_SIZE)
    axes.set_ylabel(ylabel, fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=SMALL_SIZE + 1)
    axes.grid(visible=True, color=faint(), linewidth=0.8)
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


def save(drawn: Figure | Animation, path: Path) -> Path:
    """Write a figure in the format of its path's ending, or an animation as GIF, atomically.

    The same figure gives the same bytes: versions and dates are left out of the file.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(path, _gif(drawn) if isinstance(drawn, Animation) else _still(drawn, path))
    return path


def _still(figure: Figure, path: Path) -> bytes:
    ending = path.suffix.removeprefix(".")
    unsaid = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    content = io.BytesIO()
    figure.savefig(content, format=ending, dpi=DPI, metadata=unsaid[ending])
    return content.getvalue()


class _HoldingWriter(PillowWriter):
    """Holds the first and the last frame for longer; matplotlib's would draw them many times."""

    _frames: list[Image.Image]  # PillowWriter's, which no type stub tells of

    def finish(self) -> None:
        """Write the file."""
        durations = [1000 // self.fps] * len(self._frames)
        durations[0] = int(1000 * FIRST_HELD)
        durations[-1] = int(1000 * LAST_HELD)
        first, *others = self._frames
        first.save(self.outfile, save_all=True, append_images=others, duration=durations, loop=0)


def _gif(animation: Animation) -> bytes:
    # matplotlib's writers take a file's name only.
    with TemporaryDirectory() as folder:
        target = Path(folder) / "animation.gif"
        animation.save(str(target), writer=_HoldingWriter(fps=FRAMES_A_SECOND), dpi=DPI // 2)
        return target.read_bytes()
