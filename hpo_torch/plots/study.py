"""Pictures of a whole study: how its score developed, and which hyperparameters mattered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.scores import MARKS, enlarge_marks, mark_area
from hpo_torch.plots.style import (
    BLUE,
    GREY,
    LABEL_SIZE,
    SMALL_SIZE,
    new_figure,
    paper,
    polish,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.records import TrialResult


def best_so_far(trials: Sequence[TrialResult]) -> list[tuple[int, float]]:
    """Return (trial, best score up to it) from the first completed trial on, by number."""
    line: list[tuple[int, float]] = []
    for trial in sorted(trials, key=lambda trial: trial.trial):
        if trial.state == "complete" and trial.score is not None:
            line.append((trial.trial, max(trial.score, line[-1][1] if line else trial.score)))
        elif line:
            line.append((trial.trial, line[-1][1]))
    return line


def optimization_history(trials: Sequence[TrialResult], goal: str) -> Figure:
    """Draw every trial's score, how it ended, and the best score so far.

    Trials without a score are marked on the lower edge.

    Args:
        trials: At least one.
        goal: What the score is of ("val_accuracy, 30 % health").
    """
    figure = new_figure(8, 4.5)
    axes = figure.add_subplot()
    area = mark_area(len(trials))
    for state in MARKS:
        _draw_scores(axes, [t for t in trials if t.state == state], area)
    line = best_so_far(trials)
    if line:
        numbers, scores = zip(*line, strict=True)
        axes.step(
            numbers, scores, where="post", color=GREY, linewidth=1.5, zorder=1, label="best so far"
        )
    polish(axes, "Optimisation history", "trial", f"score: {goal}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(y=0.1)
    # Outside: no corner of the panel is free of points in every study.
    legend = axes.legend(
        fontsize=SMALL_SIZE + 1, frameon=False, loc="upper left", bbox_to_anchor=(1, 1)
    )
    enlarge_marks(legend)
    return figure


def _draw_scores(axes: Axes, trials: list[TrialResult], area: float) -> None:
    if not trials:
        return
    state = trials[0].state
    marker, colour = MARKS[state]
    scored = [(t.trial, t.score) for t in trials if t.score is not None]
    unscored = [t.trial for t in trials if t.score is None]
    if scored:
        numbers, scores = zip(*scored, strict=True)
        axes.scatter(
            numbers,
            scores,
            marker=marker,
            color=colour,
            s=area,
            linewidths=0.5,
            edgecolors=paper(),
            label=f"{state} ({len(scored)})",
        )
    if unscored:
        axes.scatter(
            unscored,
            [0.0] * len(unscored),
            transform=axes.get_xaxis_transform(),
            marker=marker,
            facecolors="none",
            edgecolors=colour,
            s=area,
            clip_on=False,
            label=f"{state}, no score ({len(unscored)})",
        )


def hyperparameter_importance(importance: Mapping[str, float]) -> Figure:
    """Draw each hyperparameter's share of the score's variation, the most important on top.

    Args:
        importance: Share 0..1 by hyperparameter; at least one.
    """
    ordered = sorted(importance.items(), key=lambda item: item[1])
    shares = [share for _, share in ordered]
    figure = new_figure(8, 1.3 + 0.32 * len(ordered))
    axes = figure.add_subplot()
    bars = axes.barh(range(len(ordered)), shares, color=BLUE, height=0.7)
    axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=SMALL_SIZE + 1)
    polish(axes, "Hyperparameter importance", "share of the score's variation", "")
    names = [shorten(name) for name, _ in ordered]
    axes.set_yticks(range(len(ordered)), names, fontsize=LABEL_SIZE - 1)
    axes.grid(visible=False, axis="y")
    # Room for the numbers at the ends of the bars.
    axes.set_xlim(0, max(*shares, 0.01) * 1.12)
    return figure
