"""A picture of objective against health: what one costs of the other, and who is on the front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plots.scores import enlarge_marks, mark_area
from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    SMALL_SIZE,
    VERMILION,
    new_figure,
    paper,
    polish,
)
from hpo_torch.search.pareto import front

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.search.pareto import Point

_NAMED_AREA = 190


def pareto_front(
    completed: Sequence[Point],
    pruned: Sequence[Point],
    objective: str,
    *,
    named: Mapping[str, int],
    delta: float | None = None,
) -> Figure:
    """Draw the completed trials, those on their front joined by steps, and the pruned ones.

    What lies below and left of the steps is beaten by a trial.

    Args:
        completed: Objective and health of each; at least one.
        pruned: The same, after the last epoch of each.
        objective: Name of the objective.
        named: Numbers of trials to be ringed, by what the legend calls them.
        delta: How far below the best objective a pick may be, drawn as a band; None for no band.
    """
    figure = new_figure(8, 4.8)
    axes = figure.add_subplot()
    best = front(completed)
    numbers = {point.trial for point in best}
    if delta is not None:
        top = best[0].objective
        label = f"within {delta:g} of the best"
        axes.axvspan(top - delta, top, color=SKY, alpha=0.25, linewidth=0, label=label)
    _draw_steps(axes, best)
    beaten = [point for point in completed if point.trial not in numbers]
    area = mark_area(len(completed) + len(pruned))
    _scatter(axes, pruned, ("X", ORANGE), "pruned, when it was", area)
    _scatter(axes, beaten, ("o", GREY), "completed, dominated", area)
    _scatter(axes, best, ("o", BLUE), "on the front", area)
    _ring(axes, completed, named)
    polish(axes, "Objective and health", objective, "overall health")
    axes.margins(x=0.06, y=0.1)
    # Outside: no corner of the panel is free of points in every study.
    legend = axes.legend(
        fontsize=SMALL_SIZE + 1, frameon=False, loc="upper left", bbox_to_anchor=(1, 1)
    )
    enlarge_marks(legend)  # and make rings smaller, which would overlap
    return figure


def _draw_steps(axes: Axes, best: Sequence[Point]) -> None:
    # By rising objective; health falls after each point, so the step is at the next one's left.
    rising = best[::-1]
    axes.step(
        [point.objective for point in rising],
        [point.health for point in rising],
        where="pre",
        color=BLUE,
        linewidth=1.2,
        zorder=1,
    )


def _scatter(
    axes: Axes, points: Sequence[Point], look: tuple[str, str], label: str, area: float
) -> None:
    marker, colour = look
    if points:
        axes.scatter(
            [point.objective for point in points],
            [point.health for point in points],
            marker=marker,
            color=colour,
            s=area,
            zorder=3,
            label=f"{label} ({len(points)})",
            linewidths=0.5,
            edgecolors=paper(),
        )


def _ring(axes: Axes, completed: Sequence[Point], named: Mapping[str, int]) -> None:
    by_number = {point.trial: point for point in completed}
    looks = zip(named.items(), ((VERMILION, 1.0), (GREEN, 1.8)), strict=False)
    for (name, number), (colour, size) in looks:
        point = by_number[number]
        axes.scatter(
            [point.objective],
            [point.health],
            facecolors="none",
            edgecolors=colour,
            linewidths=1.8,
            s=_NAMED_AREA * size,
            zorder=4,
            label=f"{name}: trial {number}",
        )
