"""Activation functions compared: the scores of the trials that used each."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from hpo_torch.plots.scales import spread
from hpo_torch.plots.scores import MARKS, legend_above, mark_area, scored
from hpo_torch.plots.style import (
    LABEL_SIZE,
    SMALL_SIZE,
    TITLE_SIZE,
    ink,
    new_figure,
    paper,
    polish,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.searched import Searched

_SPREAD = 0.5
_HALF = 0.36  # of a median's line


def activations(
    trials: Sequence[TrialResult], hyperparameters: Sequence[Searched], goal: str
) -> Figure:
    """Draw a panel per hyperparameter: completed and pruned trials, and the completed's median.

    Args:
        trials: With at least one that completed and has a score.
        hyperparameters: Those that choose an activation, at least one.
        goal: What the score is of.
    """
    columns = [len(searched.options) for searched in hyperparameters]
    figure = new_figure(max(7.5, 1.2 + 1.35 * sum(columns)), 4.8)
    grid = figure.subplots(1, len(columns), squeeze=False, sharey=True, width_ratios=columns)
    panels: list[Axes] = list(grid.flat)
    for axes, searched in zip(panels, hyperparameters, strict=True):
        polish(axes, searched.name, "", "")
        axes.title.set_fontsize(LABEL_SIZE)
        _draw(axes, trials, searched)
    panels[0].set_ylabel(f"score: {goal}", fontsize=LABEL_SIZE)
    figure.suptitle("Score by activation function", x=0.01, ha="left", fontsize=TITLE_SIZE)
    legend_above(figure, panels)
    return figure


def _draw(axes: Axes, trials: Sequence[TrialResult], searched: Searched) -> None:
    labels = []
    area = mark_area(len(trials))
    for place, option in enumerate(searched.options):
        used = [trial for trial in trials if searched.values.get(trial.trial) == option]
        for state in ("complete", "pruned"):
            _draw_scores(axes, place, used, state, area)
        scores = [score for _, score in scored(used, "complete")]
        if scores:
            median = statistics.median(scores)
            ends = [place - _HALF, place + _HALF]
            axes.plot(ends, [median] * 2, color=ink(), linewidth=2.2, zorder=4, label="median")
        labels.append(f"{option}\n{_counted(used)}")
    axes.set_xticks(range(len(labels)), labels, fontsize=SMALL_SIZE + 1)
    axes.grid(visible=False, axis="x")
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.margins(y=0.08)


def _draw_scores(
    axes: Axes, place: int, used: Sequence[TrialResult], state: TrialState, area: float
) -> None:
    marker, colour = MARKS[state]
    shown = scored(used, state)
    if shown:
        axes.scatter(
            [place + _SPREAD * spread(trial.trial) for trial, _ in shown],
            [score for _, score in shown],
            marker=marker,
            color=colour,
            s=area,
            alpha=1.0 if state == "complete" else 0.7,
            zorder=3 if state == "complete" else 2,
            linewidths=0.4,
            edgecolors=paper(),
            label=state,
        )


def _counted(used: Sequence[TrialResult]) -> str:
    states: tuple[TrialState, ...] = ("complete", "pruned", "failed")
    counts = {state: sum(trial.state == state for trial in used) for state in states}
    return "\n".join(f"{count} {state}" for state, count in counts.items() if count)
