"""A picture of several runs: how fast each got how far, and what their winners are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    LABEL_SIZE,
    ORANGE,
    PURPLE,
    SKY,
    SMALL_SIZE,
    VERMILION,
    ink,
    new_figure,
    polish,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.run_comparison import ComparedRun
    from hpo_torch.results.score_progress import ScorePoint

_COLOURS: Final = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
_DASHES: Final = ("-", "--", ":", "-.")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_ROW_INCHES = 0.46
_ONE_LINE = 32


def run_comparison(runs: Sequence[ComparedRun]) -> Figure:
    """Draw best score against trials and against time, and below the winners' accuracy and health.

    What a run has no figure of is left out, and said so.

    Args:
        runs: At least one.
    """
    figure = new_figure(11, 5.4 + _ROW_INCHES * len(runs))
    rows = figure.add_gridspec(2, 2, height_ratios=(4, 1.2 + _ROW_INCHES * len(runs)))
    by_trials, by_time = (figure.add_subplot(rows[0, column]) for column in range(2))
    _draw_progress(by_trials, runs, lambda point: point.ended)
    _draw_progress(by_time, runs, lambda point: point.seconds)
    polish(by_trials, "Best score so far", "trials that have ended", "best score")
    polish(by_time, "The same against time", "wall time of the search, s", "")
    by_trials.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    by_time.set_xlim(left=0)
    accuracy = figure.add_subplot(rows[1, 0])
    health = figure.add_subplot(rows[1, 1])
    _draw_accuracy(accuracy, runs)
    _draw_values(health, runs, [run.overall_health for run in runs], "not measured", 3)
    polish(accuracy, "Winners' accuracy", "accuracy: test, with its 95 % interval", "")
    polish(health, "Winners' health", "overall health, 0 to 1", "")
    health.set_xlim(-0.08, 1.08)
    health.set_yticklabels([])
    return figure


def _look(number: int) -> dict[str, Any]:
    """Return a run's look: colour first; dashes and markers tell the rest apart."""
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": _DASHES[number // len(_COLOURS) % len(_DASHES)],
        "marker": _MARKERS[number % len(_MARKERS)],
    }


def _draw_progress(
    axes: Axes, runs: Sequence[ComparedRun], position: Callable[[ScorePoint], float]
) -> None:
    for number, run in enumerate(runs):
        points = run.progress
        if not points:
            continue
        look = _look(number)
        # Markers where the best score grew: a step line alone hides what is not dashed.
        grew = [i for i, point in enumerate(points) if i == 0 or point.best > points[i - 1].best]
        axes.plot(
            [position(point) for point in points],
            [point.best for point in points],
            drawstyle="steps-post",
            markevery=grew,
            markersize=5,
            linewidth=1.8,
            **look,
        )
    if not any(run.progress for run in runs):
        axes.text(0.5, 0.5, "no trial has completed", transform=axes.transAxes, ha="center")


def _draw_accuracy(axes: Axes, runs: Sequence[ComparedRun]) -> None:
    for number, run in enumerate(runs):
        if run.test_accuracy is None or run.test_interval is None:
            continue
        low, high = run.test_interval
        look = _look(number) | {"marker": ""}
        axes.plot([low, high], [number, number], linewidth=2.2, **look)
    _draw_values(axes, runs, [run.test_accuracy for run in runs], "not scored on the test set", 4)
    for number, run in enumerate(runs):
        if run.val_accuracy is not None:
            axes.plot(
                run.val_accuracy, number, "|", color=ink(), markersize=11, markeredgewidth=1.4
            )
    axes.plot([], [], "|", color=ink(), markersize=9, markeredgewidth=1.4, label="validation")
    axes.legend(fontsize=SMALL_SIZE, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    axes.margins(x=0.12)


def _draw_values(
    axes: Axes,
    runs: Sequence[ComparedRun],
    values: Sequence[float | None],
    absent: str,
    digits: int,
) -> None:
    for number, value in enumerate(values):
        look = _look(number)
        if value is None:
            beside = axes.get_yaxis_transform()
            look = look | {"markersize": 8, "fillstyle": "none", "transform": beside}
            axes.plot([0.03], [number], **look)
            axes.text(
                0.07,
                number,
                absent,
                transform=beside,
                va="center",
                fontsize=SMALL_SIZE,
                style="italic",
            )
            continue
        axes.plot(value, number, marker=look["marker"], color=look["color"], markersize=8)
        axes.annotate(
            f"{value:.{digits}f}",
            (value, number),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL_SIZE,
        )
    axes.set_yticks(range(len(runs)), [in_two_lines(run.run) for run in runs])
    axes.tick_params(axis="y", labelsize=LABEL_SIZE - 1)
    axes.set_ylim(len(runs) - 0.4, -0.7)


def in_two_lines(name: str) -> str:
    """Break a long name in its middle, behind a `_` or `-` if there is one near.

    >>> in_two_lines("2026-11-25T10-20-03_fashion_mnist_constrained-val_accuracy")
    '2026-11-25T10-20-03_fashion_\\nmnist_constrained-val_accuracy'
    """
    if len(name) <= _ONE_LINE:
        return name
    middle = len(name) // 2
    ends = [index + 1 for index, sign in enumerate(name) if sign in "_-"]
    cut = min(ends, key=lambda end: abs(end - middle), default=middle)
    return f"{shorten(name[:cut])}\n{shorten(name[cut:])}"
