"""Parallel coordinates: every trial as a line over the hyperparameters, coloured by its score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.collections import LineCollection
from matplotlib.patheffects import Normal, Stroke

from hpo_torch.plots.scales import Scale
from hpo_torch.plots.scores import ScoreColours, scored
from hpo_torch.plots.style import (
    GREY,
    LABEL_SIZE,
    SMALL_SIZE,
    TITLE_SIZE,
    VERMILION,
    ink,
    new_figure,
    paper,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.searched import Searched

_ABSENT = -0.2  # below the axes: where a hyperparameter does not apply
_SPREAD = 0.5  # of what points of equal options are moved in other pictures
_NAMES_THAT_FIT = 6
_MOST_IN_A_ROW = 10


def parallel_coordinates(
    trials: Sequence[TrialResult],
    hyperparameters: Sequence[Searched],
    goal: str,
    winner: int | None = None,
) -> Figure:
    """Draw completed trials coloured by score, the better on top, and pruned ones faintly.

    A trial to which a hyperparameter does not apply passes below its axis. More than ten
    hyperparameters take several rows.

    Args:
        trials: With at least one that completed and has a score.
        hyperparameters: From left to right, at least one; each has two values among the trials.
        goal: What the score is of.
        winner: Number of the trial that is drawn thick.
    """
    scales = [Scale.of(searched) for searched in hyperparameters]
    rows = math.ceil(len(scales) / _MOST_IN_A_ROW)
    columns = math.ceil(len(scales) / rows)
    figure = new_figure(max(6.5, 2.6 + 1.15 * columns), 0.6 + 4.4 * rows)
    panels: list[Axes] = list(figure.subplots(rows, 1, squeeze=False).flat)
    completed = scored(trials, "complete")
    pruned = [trial for trial in trials if trial.state == "pruned"]
    best = [pair for pair in completed if pair[0].trial == winner]
    drawn = {trial.trial for trial, _ in completed} | {trial.trial for trial in pruned}
    colours = ScoreColours.of([score for _, score in completed])
    for row, axes in enumerate(panels):
        shown = scales[row * columns : (row + 1) * columns]
        _draw_pruned(axes, shown, pruned)
        _draw_completed(axes, shown, completed, colours)
        _draw_winner(axes, shown, best)
        _dress(axes, shown, absent=any(drawn - scale.searched.values.keys() for scale in shown))
        axes.set_xlim(-0.6, columns - 0.75)
    panels[0].set_title("Hyperparameters and score of every trial", fontsize=TITLE_SIZE, loc="left")
    _legend(panels[0])
    colours.bar(figure, panels, goal)
    return figure


def _draw_pruned(axes: Axes, scales: Sequence[Scale], pruned: Sequence[TrialResult]) -> None:
    if not pruned:
        return
    width, alpha = _strength(len(pruned))
    lines = LineCollection(
        [_line(scales, trial) for trial in pruned],
        colors=GREY,
        linewidths=0.6 * width,
        alpha=0.5 * alpha,
        label=f"pruned ({len(pruned)})",
    )
    axes.add_collection(lines)


def _draw_completed(
    axes: Axes,
    scales: Sequence[Scale],
    completed: Sequence[tuple[TrialResult, float]],
    colours: ScoreColours,
) -> None:
    width, alpha = _strength(len(completed))
    lines = LineCollection(
        [_line(scales, trial) for trial, _ in completed],
        cmap=colours.colours,
        norm=colours.norm,
        linewidths=width,
        alpha=alpha,
    )
    lines.set_array([score for _, score in completed])
    axes.add_collection(lines)


def _strength(count: int) -> tuple[float, float]:
    """Return width (points) and opacity of lines: less where there are many."""
    root = math.sqrt(count)
    return min(1.6, max(0.6, 12 / root)), min(0.9, max(0.35, 8 / root))


def _line(scales: Sequence[Scale], trial: TrialResult) -> list[tuple[float, float]]:
    return [(float(place), _height(scale, trial)) for place, scale in enumerate(scales)]


def _height(scale: Scale, trial: TrialResult) -> float:
    value = scale.searched.values.get(trial.trial)
    moved = _SPREAD * scale.shift(trial.trial) / (scale.high - scale.low)
    return _ABSENT if value is None else scale.share(value) + moved


def _draw_winner(
    axes: Axes, scales: Sequence[Scale], found: Sequence[tuple[TrialResult, float]]
) -> None:
    for trial, score in found:
        places, heights = zip(*_line(scales, trial), strict=True)
        axes.plot(
            places,
            heights,
            color=VERMILION,
            linewidth=3,
            zorder=4,
            path_effects=[Stroke(linewidth=5, foreground=paper()), Normal()],
            label=f"winner: trial {trial.trial} ({score:.4g})",
        )


def _dress(axes: Axes, scales: Sequence[Scale], *, absent: bool) -> None:
    for place, scale in enumerate(scales):
        _draw_axis(axes, place, scale)
    axes.set_ylim(_ABSENT - 0.06 if absent else -0.12, 1.12)
    names = [shorten(scale.name, 22) for scale in scales]
    axes.set_xticks(range(len(scales)), names, fontsize=LABEL_SIZE - 1)
    if len(scales) > _NAMES_THAT_FIT:
        axes.tick_params(axis="x", labelrotation=25)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.tick_params(length=0)
    axes.set_yticks([_ABSENT] if absent else [], ["does not\napply"] if absent else [])
    axes.tick_params(axis="y", labelsize=SMALL_SIZE)
    axes.spines[:].set_visible(False)


def _legend(axes: Axes) -> None:
    if not axes.get_legend_handles_labels()[0]:
        return
    legend = axes.legend(
        fontsize=SMALL_SIZE + 1,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        borderaxespad=0.2,
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)  # faint as in the panel, nobody would see it


def _draw_axis(axes: Axes, place: int, scale: Scale) -> None:
    axes.plot([place, place], [0, 1], color=ink(), linewidth=1, zorder=3)
    ticks = [((at - scale.low) / (scale.high - scale.low), label) for at, label in scale.ticks()]
    heights = [height for height, _ in ticks]
    axes.hlines(heights, place - 0.02, place, color=ink(), linewidth=1, zorder=3)
    for height, label in ticks:
        text = axes.text(
            place - 0.05,
            height,
            label,
            ha="right",
            va="center",
            fontsize=SMALL_SIZE,
            zorder=5,
            parse_math=False,
            bbox={"facecolor": paper(), "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        )
        # All but the first axis's are inside of the panel, and measuring them takes long.
        text.set_in_layout(place == 0)
