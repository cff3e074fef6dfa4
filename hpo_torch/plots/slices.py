"""Slices: the score against one hyperparameter at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch.plots.scales import Scale, dress_x
from hpo_torch.plots.scores import MARKS, legend_above, mark_area, scored
from hpo_torch.plots.style import (
    LABEL_SIZE,
    SMALL_SIZE,
    TITLE_SIZE,
    VERMILION,
    new_figure,
    paper,
    polish,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.searched import Searched

MOST_SLICES = 8
_COLUMNS = 4


def slices(
    trials: Sequence[TrialResult],
    hyperparameters: Sequence[Searched],
    goal: str,
    winner: int | None = None,
) -> Figure:
    """Draw a panel per hyperparameter; the first eight.

    Failed trials are marked on the lower edge: their score, if any, stands for no measurement.

    Args:
        trials: At least one.
        hyperparameters: The most important first, at least one.
        goal: What the score is of.
        winner: Number of the trial that is ringed.
    """
    shown = hyperparameters[:MOST_SLICES]
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(max(5.5, 2.7 * columns), 0.9 + 2.6 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    panels: list[Axes] = list(grid.flat)
    for axes, searched in zip(panels, shown, strict=False):
        _draw(axes, trials, Scale.of(searched), winner)
        polish(axes, shorten(searched.name, 26), _said(searched, len(trials)), "")
        axes.title.set_fontsize(LABEL_SIZE)
        axes.xaxis.label.set_fontsize(SMALL_SIZE)
        dress_x(axes, Scale.of(searched))
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    figure.suptitle(
        "Score by hyperparameter", x=0.01, ha="left", fontsize=TITLE_SIZE, parse_math=False
    )
    known = any(trial.state != "failed" and trial.score is not None for trial in trials)
    figure.supylabel(f"score: {goal}" if known else "no trial has a score", fontsize=LABEL_SIZE)
    if not known:
        panels[0].set_yticks([])
    legend_above(figure, panels[: len(shown)])
    return figure


def _said(searched: Searched, trials: int) -> str:
    said = []
    if searched.importance is not None:
        said.append(f"importance {searched.importance:.2f}")
    if len(searched.values) < trials:
        said.append(f"in {len(searched.values)} of {trials} trials")
    return ", ".join(said)


def _draw(axes: Axes, trials: Sequence[TrialResult], scale: Scale, winner: int | None) -> None:
    area = mark_area(len(trials))
    values = scale.searched.values
    for state, (marker, colour) in MARKS.items():
        failed = state == "failed"
        known = [t for t in trials if t.state == state and t.trial in values]
        shown = [t for t in known if failed or t.score is not None]
        if shown:
            axes.scatter(
                [scale.position(values[t.trial]) + scale.shift(t.trial) for t in shown],
                [0.0 if failed else t.score or 0.0 for t in shown],
                transform=axes.get_xaxis_transform() if failed else axes.transData,
                marker=marker,
                color=colour,
                s=area,
                linewidths=0.4,
                edgecolors=paper(),
                clip_on=not failed,
                zorder=3 if failed else 2,
                label="failed, on the lower edge" if failed else state,
            )
    best = [(t, score) for t, score in scored(trials, "complete") if t.trial == winner]
    for trial, score in best:
        if trial.trial in values:
            x = scale.position(values[trial.trial]) + scale.shift(trial.trial)
            axes.scatter(
                [x],
                [score],
                facecolors="none",
                edgecolors=VERMILION,
                linewidths=1.6,
                s=max(90.0, 2.5 * area),
                zorder=4,
                label=f"winner: trial {trial.trial}",
            )
    axes.margins(y=0.1)
