"""The score over two hyperparameters: trials as points, and the mean of those nearby as a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.tri import Triangulation

from hpo_torch.plots.scales import Scale, dress_x, dress_y
from hpo_torch.plots.scores import MARKS, ScoreColours, differ, enlarge_marks, mark_area, scored
from hpo_torch.plots.style import SMALL_SIZE, VERMILION, ink, new_figure, paper, polish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.searched import Searched

ENOUGH_TRIALS = 8
"""Completed trials below which there is no field."""

_SIDE = 80  # of the field's grid
_LEVELS = 12


def contour(
    trials: Sequence[TrialResult],
    pair: tuple[Searched, Searched],
    goal: str,
    winner: int | None = None,
) -> Figure:
    """Draw trials over two hyperparameters, completed ones coloured by score.

    From eight completed trials of different scores on, a field shows the mean score of trials
    nearby, inside of the trials' convex hull.

    Args:
        trials: With at least one that completed, has a score, and has both hyperparameters.
        pair: The hyperparameters, numeric, for the horizontal and the vertical axis.
        goal: What the score is of.
        winner: Number of the trial that is ringed.
    """
    across, up = (Scale.of(searched) for searched in pair)
    figure = new_figure(8, 5.5)
    axes = figure.add_subplot()
    both = across.searched.values.keys() & up.searched.values.keys()
    known = [trial for trial in trials if trial.trial in both]
    completed = scored(known, "complete")
    scores = [score for _, score in completed]
    colours = ScoreColours.of(scores)
    enough = len(completed) >= ENOUGH_TRIALS and differ(min(scores), max(scores))
    field = enough and _draw_field(axes, (across, up), completed, colours)
    _draw_trials(axes, (across, up), known, colours)
    _ring(axes, (across, up), [trial for trial, _ in completed if trial.trial == winner])
    title = f"Score over {across.name} and {up.name}"
    polish(axes, title + (": mean of trials nearby" if field else ""), across.name, up.name)
    dress_x(axes, across)
    dress_y(axes, up)
    colours.bar(figure, axes, goal)
    legend = figure.legend(
        loc="outside lower center", ncols=4, fontsize=SMALL_SIZE + 1, frameon=False
    )
    enlarge_marks(legend)
    return figure


def nearby_mean(
    points: NDArray[np.float64], scores: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of scores around places, the nearer the more weight.

    The Nadaraya-Watson estimate with a Gaussian kernel (E. A. Nadaraya, "On estimating
    regression", Theory of Probability and Its Applications 9, 1964; G. S. Watson, "Smooth
    regression analysis", Sankhya A 26, 1964). Its width in each direction is Scott's: standard
    deviation times n^(-1/6) in two dimensions (D. W. Scott, Multivariate Density Estimation, 1992).

    Args:
        points: [n, 2] places of the scores, not all on a line.
        scores: [n] scores.
        at: [m, 2] places.

    Returns:
        [m] means, none below the least or above the largest score.
    """
    width = points.std(axis=0, ddof=1) * len(points) ** (-1 / 6)
    distances = (((at[:, None, :] - points[None, :, :]) / width) ** 2).sum(axis=2)
    # Far from all points every weight would be 0; only their ratios matter.
    weights = np.exp(-0.5 * (distances - distances.min(axis=1, keepdims=True)))
    means: NDArray[np.float64] = weights @ scores / weights.sum(axis=1)
    return means


def _draw_field(
    axes: Axes,
    scales: tuple[Scale, Scale],
    completed: Sequence[tuple[TrialResult, float]],
    colours: ScoreColours,
) -> bool:
    """Draw the field; False where the trials lie on one line."""
    points = np.array([_place(scales, trial) for trial, _ in completed])
    try:
        triangles = Triangulation(*points.T)
    except (RuntimeError, ValueError):  # matplotlib has no other words for points on a line
        return False
    x, y = np.meshgrid(*(np.linspace(column.min(), column.max(), _SIDE) for column in points.T))
    scores = np.array([score for _, score in completed])
    means = nearby_mean(points, scores, np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    field = axes.contourf(
        x,
        y,
        means.clip(colours.low, colours.high),
        levels=np.linspace(colours.low, colours.high, _LEVELS + 1),
        cmap=colours.colours,
        norm=colours.norm,
    )
    hull = Polygon(_hull(triangles), transform=axes.transData)
    field.set_clip_path(hull)
    return True


def _hull(triangles: Triangulation) -> NDArray[np.float64]:
    """Return the corners of what triangles cover, in turn; it is convex."""
    outer = triangles.triangles[triangles.neighbors < 0]  # each edge's first corner
    corners = np.column_stack([triangles.x, triangles.y])[np.unique(outer)]
    x, y = (corners - corners.mean(axis=0)).T
    turned: NDArray[np.float64] = corners[np.argsort(np.arctan2(y, x))]
    return turned


def _draw_trials(
    axes: Axes, scales: tuple[Scale, Scale], trials: Sequence[TrialResult], colours: ScoreColours
) -> None:
    area = mark_area(len(trials))
    for state in ("pruned", "failed"):
        marker, colour = MARKS[state]
        shown = [trial for trial in trials if trial.state == state]
        if shown:
            axes.scatter(
                *_spread(scales, shown),
                marker=marker,
                color=colour,
                s=0.8 * area,
                linewidths=0.4,
                edgecolors=paper(),
                label=f"{state} ({len(shown)})",
            )
    completed = scored(trials, "complete")
    axes.scatter(
        *_spread(scales, [trial for trial, _ in completed]),
        c=[score for _, score in completed],
        cmap=colours.colours,
        norm=colours.norm,
        s=area,
        linewidths=min(0.7, area / 30),
        edgecolors=ink(),
        zorder=3,
        label=f"complete ({len(completed)})",
    )


def _ring(axes: Axes, scales: tuple[Scale, Scale], found: Sequence[TrialResult]) -> None:
    for trial in found:
        axes.scatter(
            *_spread(scales, [trial]),
            facecolors="none",
            edgecolors=VERMILION,
            linewidths=2,
            s=150,
            zorder=4,
            label=f"winner: trial {trial.trial}",
        )


def _place(scales: tuple[Scale, Scale], trial: TrialResult) -> tuple[float, float]:
    across, up = scales
    values = across.searched.values[trial.trial], up.searched.values[trial.trial]
    return across.position(values[0]), up.position(values[1])


def _spread(
    scales: tuple[Scale, Scale], trials: Sequence[TrialResult]
) -> tuple[list[float], list[float]]:
    across, up = scales
    places = [_place(scales, trial) for trial in trials]
    return (
        [x + across.shift(trial.trial) for trial, (x, _) in zip(trials, places, strict=True)],
        # Another number, or both shifts would lie on one line.
        [y + up.shift(7 * trial.trial + 3) for trial, (_, y) in zip(trials, places, strict=True)],
    )
