"""How scores and the ends of trials look in every picture of a study: colours and marks."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize

from hpo_torch.plots.style import BLUE, ORANGE, SMALL_SIZE, VERMILION, on_dark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.records import TrialResult

MARKS: Final[dict[TrialState, tuple[str, str]]] = {
    "complete": ("o", BLUE),
    "pruned": ("X", ORANGE),
    "failed": ("v", VERMILION),
}
_AREA = 40.0
_LEAST_AREA = 8.0
_MANY = 100
_SHADES = 256
_BAR_ASPECT = 30
_ROUNDING = 1e-9


def mark_area(trials: int) -> float:
    """Return the area of a trial's mark, square points: smaller where there are many.

    >>> mark_area(12), mark_area(200), mark_area(1000)
    (40.0, 20.0, 8.0)
    """
    return max(_LEAST_AREA, min(_AREA, _AREA * _MANY / max(trials, 1)))


def scored(trials: Iterable[TrialResult], state: TrialState) -> list[tuple[TrialResult, float]]:
    """Return the trials of a state that have a score, with it, worst first."""
    found = [(t, t.score) for t in trials if t.state == state and t.score is not None]
    return sorted(found, key=lambda pair: (pair[1], -pair[0].trial))


def differ(low: float, high: float) -> bool:
    """Whether the higher of two scores differs from the lower one by more than rounding."""
    return high - low > _ROUNDING * max(1.0, abs(low), abs(high))


@dataclass(frozen=True, slots=True)
class ScoreColours:
    """From scores to colours that stand out from the ground more, the better the score.

    Attributes:
        colours: From the worst score to the best.
        low: The score of the first colour.
        high: The score of the last colour, above `low`.
        extend: "min" where some scores are below `low`, and have its colour.
    """

    colours: Colormap
    low: float
    high: float
    extend: Literal["min", "neither"]

    @classmethod
    def of(cls, scores: Sequence[float]) -> ScoreColours:
        """Choose the range for at least one score.

        It begins at Tukey's fence (the lower quartile less 1.5 times the distance of quartiles;
        J. W. Tukey, Exploratory Data Analysis, 1977): one useless network would otherwise give all
        good ones the same colour.
        """
        low, high = min(scores), max(scores)
        if not differ(low, high):
            around = 0.01 * max(1.0, abs(low))
            return cls(_colours(), low - around, high + around, "neither")
        fence = low
        if len(scores) > 1:
            first, _, third = statistics.quantiles(scores, n=4, method="inclusive")
            fence = first - 1.5 * (third - first)
        cut = low < fence and differ(fence, high)
        extend: Literal["min", "neither"] = "min" if cut else "neither"
        return cls(_colours(), fence if cut else low, high, extend)

    @property
    def norm(self) -> Normalize:
        """From scores to the place of their colour, 0..1."""
        return Normalize(self.low, self.high, clip=True)

    def bar(self, figure: Figure, panels: Axes | Sequence[Axes], goal: str) -> None:
        """Draw what the colours mean beside the panels."""
        mappable = ScalarMappable(self.norm, self.colours)
        aspect = _BAR_ASPECT * (1 if isinstance(panels, Axes) else len(panels))
        bar = figure.colorbar(mappable, ax=panels, extend=self.extend, pad=0.02, aspect=aspect)
        bar.set_label(f"score: {goal}", fontsize=SMALL_SIZE + 1)
        bar.ax.tick_params(labelsize=SMALL_SIZE)
        bar.outline.set_visible(False)


def _colours() -> Colormap:
    """Return viridis without the end that would be lost on the ground; the other end is best."""
    viridis = mpl.colormaps["viridis"]
    ends = (0.15, 1.0) if on_dark() else (0.92, 0.0)
    return LinearSegmentedColormap.from_list("scores", viridis(np.linspace(*ends, _SHADES)))


def legend_above(figure: Figure, panels: Sequence[Axes]) -> None:
    """Say once, above all panels, what their marks mean."""
    handles: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(str(label), handle)
    legend = figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside upper right",
        ncols=max(1, len(handles)),
        fontsize=SMALL_SIZE + 1,
        frameon=False,
    )
    enlarge_marks(legend)


def enlarge_marks(legend: Legend) -> None:
    """Give all marks in a legend one size, whatever size they have in the panels."""
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([_AREA])
