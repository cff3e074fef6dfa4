"""A timeline: which worker trained what and when, and how each attempt ended."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from matplotlib.patches import Patch

from hpo_torch.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    SMALL_SIZE,
    VERMILION,
    ink,
    new_figure,
    paper,
    polish,
    shorten,
)
from hpo_torch.results.worked_time import merged, seconds_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.attempts import Attempt, Attempts, Ending

_LOOKS: Final[dict[Ending, tuple[str, str]]] = {
    "complete": (BLUE, ""),
    "pruned": (ORANGE, "///"),
    "failed": (VERMILION, "xx"),
    "retried": (PURPLE, ".."),
    "unfinished": (GREY, "||"),
}
_NOWHERE: Final = "no worker"
_UNITS: Final = ((2 * 86_400, 86_400, "days"), (2 * 3600, 3600, "hours"), (120, 60, "minutes"))
_WIDTH = 10.0  # inches
_BAR = 0.7
_DIGIT = 0.075  # inches
_LEAST_BAR = 0.004  # of the whole time, so that what ended at once is seen
_SHORTEST_PAUSE = 1.0  # seconds


def timeline(attempts: Attempts) -> Figure:
    """Draw each worker's attempts as bars over the time that the study was worked on.

    Pauses, between an interrupted process and who went on, are cut out and marked.

    Args:
        attempts: At least one.
    """
    clock = Clock([*attempts.spans, *((each.began, each.ended) for each in attempts.attempts)])
    workers = _workers(attempts.attempts)
    height = max(0.16, min(0.42, 12 / len(workers)))
    figure = new_figure(_WIDTH, 1.7 + height * len(workers))
    axes = figure.add_subplot()
    divisor, unit = _unit(clock.total)
    for row, worker in enumerate(workers):
        own = [each for each in attempts.attempts if (each.worker or _NOWHERE) == worker]
        _draw_row(axes, row, own, clock, divisor)
    polish(axes, "Trials by worker", f"{unit} since the start", "")
    axes.grid(visible=False, axis="y")
    axes.set_yticks(range(len(workers)), [shorten(worker, 24) for worker in workers])
    axes.set_ylim(len(workers) - 0.4, -0.6)
    axes.set_xlim(0, 1.01 * clock.total / divisor)
    _mark_pauses(axes, clock, divisor)
    _legend(figure, attempts.attempts)
    return figure


class Clock:
    """Seconds of work since the start: time in which nothing ran does not count.

    Args:
        spans: When somebody worked, from the first moment to the last; at least one.

    Attributes:
        pauses: Where pauses were cut out, in seconds of work, and how many seconds each took.
        total: Seconds of work in all, above 0.
    """

    def __init__(self, spans: Sequence[tuple[datetime, datetime]]) -> None:
        self._spans = merged(spans, _SHORTEST_PAUSE)
        self.pauses: list[tuple[float, float]] = []
        work = 0.0
        for (first, last), (resumed, _) in pairwise(self._spans):
            work += (last - first).total_seconds()
            self.pauses.append((work, (resumed - last).total_seconds()))
        self.total = max(self.seconds(self._spans[-1][1]), 1e-3)

    def seconds(self, moment: datetime) -> float:
        """Return the seconds of work before a moment within the spans."""
        return seconds_until(moment, self._spans)


def _workers(attempts: Sequence[Attempt]) -> list[str]:
    """Return the workers by name, numbers in their order; last, where there was none."""
    named = {attempt.worker for attempt in attempts if attempt.worker is not None}
    ordered = sorted(named, key=lambda name: [_part(part) for part in re.split(r"(\d+)", name)])
    nowhere = any(attempt.worker is None for attempt in attempts)
    return [*ordered, _NOWHERE] if nowhere else ordered


def _part(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdigit() else (-1, text)


def _unit(seconds: float) -> tuple[float, str]:
    for least, divisor, name in _UNITS:
        if seconds >= least:
            return divisor, name
    return 1.0, "seconds"


def _draw_row(
    axes: Axes, row: int, attempts: Sequence[Attempt], clock: Clock, divisor: float
) -> None:
    least = _LEAST_BAR * clock.total / divisor
    inches = (_WIDTH - 2) * divisor / clock.total
    for ending, (colour, hatch) in _LOOKS.items():
        bars = []
        for each in (attempt for attempt in attempts if attempt.ending == ending):
            start = clock.seconds(each.began) / divisor
            width = max(clock.seconds(each.ended) / divisor - start, least)
            bars.append((start, width))
            if width * inches > _DIGIT * (len(str(each.trial)) + 1):
                _number(axes, start + width / 2, row, each.trial, plain=not hatch)
        axes.broken_barh(
            bars,
            (row - _BAR / 2, _BAR),
            facecolor=colour,
            hatch=hatch,
            edgecolor=paper(),
            linewidth=0.5,
            zorder=2,
        )


def _number(axes: Axes, x: float, y: float, trial: int, *, plain: bool) -> None:
    axes.text(
        x,
        y,
        str(trial),
        ha="center",
        va="center",
        color="white" if plain else ink(),
        fontsize=SMALL_SIZE,
        zorder=4,
        clip_on=True,
        bbox=None if plain else {"facecolor": paper(), "edgecolor": "none", "pad": 1.0},
    )


def _mark_pauses(axes: Axes, clock: Clock, divisor: float) -> None:
    for moment, length in clock.pauses:
        size, unit = _unit(length)
        axes.axvline(moment / divisor, color=ink(), linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        axes.text(
            moment / divisor,
            -0.58,
            f" paused {length / size:.3g} {unit}",
            fontsize=SMALL_SIZE,
            va="bottom",
        )


def _legend(figure: Figure, attempts: Sequence[Attempt]) -> None:
    handles = []
    for ending, (colour, hatch) in _LOOKS.items():
        count = sum(attempt.ending == ending for attempt in attempts)
        if count:
            patch = Patch(facecolor=colour, hatch=hatch, edgecolor=paper(), linewidth=0.5)
            patch.set_label(f"{ending} ({count})")
            handles.append(patch)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        fontsize=SMALL_SIZE + 1,
        frameon=False,
    )
