"""Pictures of one trial's training: its learning curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SMALL_SIZE,
    TITLE_SIZE,
    VERMILION,
    new_figure,
    polish,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.protocol.measurements import EpochMetrics
    from hpo_torch.results.records import TrialResult

_WIDE_RANGE = 30.0
"""A loss that falls (or explodes) by more than this factor is unreadable on a linear axis."""


def learning_curves(trial: TrialResult) -> Figure:
    """Draw loss, accuracy, overfitting gap and learning rate by epoch, the kept epoch marked.

    Args:
        trial: One with at least one epoch.
    """
    figure = new_figure(10, 6.5)
    loss, accuracy, gap, rate = figure.subplots(2, 2, sharex=True).flat
    epochs = [metrics.epoch for metrics in trial.epochs]
    _draw_loss(loss, trial.epochs)
    _draw_pair(
        accuracy,
        epochs,
        [100 * metrics.train_accuracy for metrics in trial.epochs],
        [100 * metrics.val_accuracy for metrics in trial.epochs],
    )
    polish(accuracy, "Accuracy", "", "accuracy (%)")
    gaps = [100 * (metrics.train_accuracy - metrics.val_accuracy) for metrics in trial.epochs]
    gap.axhline(0, color=GREY, linewidth=1)
    gap.plot(epochs, gaps, marker=".", color=PURPLE)
    _shade_overfitting(gap, epochs, gaps)
    polish(gap, _gap_title(trial, gaps), "epoch", "training minus validation (points)")
    rate.plot(epochs, [metrics.learning_rate for metrics in trial.epochs], marker=".", color=GREEN)
    polish(rate, "Learning rate", "epoch", "learning rate")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    for axes in (loss, accuracy, gap, rate):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        mark_kept(axes, trial.kept_epoch)
    loss.legend(fontsize=SMALL_SIZE + 1, frameon=False)
    figure.suptitle(trial_title(trial), fontsize=TITLE_SIZE, x=0.01, ha="left")
    return figure


def trial_title(trial: TrialResult) -> str:
    """Return what every picture of a trial is headed with: its number, state and score."""
    score = "no score" if trial.score is None else f"score {trial.score:.4f}"
    return f"Trial {trial.trial} ({trial.state}, {score})"


def is_wide(least: float, largest: float) -> bool:
    """Whether losses over this range need a logarithmic axis, and can have one."""
    return least > 0.0 and largest / least > _WIDE_RANGE


def _draw_loss(axes: Axes, epochs: Sequence[EpochMetrics]) -> None:
    train = [metrics.train_loss for metrics in epochs]
    validation = [metrics.val_loss for metrics in epochs]
    _draw_pair(axes, [metrics.epoch for metrics in epochs], train, validation)
    finite = [value for value in (*train, *validation) if math.isfinite(value)]
    if finite and is_wide(min(finite), max(finite)):
        axes.set_yscale("log")
    polish(axes, _loss_title(epochs), "", "cross-entropy (nats)")


def _loss_title(epochs: Sequence[EpochMetrics]) -> str:
    broken = [
        metrics.epoch
        for metrics in epochs
        if not (math.isfinite(metrics.train_loss) and math.isfinite(metrics.val_loss))
    ]
    if not broken:
        return "Loss"
    return f"Loss (not finite in {len(broken)} of {len(epochs)} epochs, first in {broken[0]})"


def _shade_overfitting(axes: Axes, epochs: list[int], gaps: list[float]) -> None:
    above = [gap > 0 for gap in gaps]
    axes.fill_between(
        epochs, gaps, where=above, interpolate=True, color=PURPLE, alpha=0.3, linewidth=0
    )


def _gap_title(trial: TrialResult, gaps: list[float]) -> str:
    """Say how large the gap became: beside the first epochs' it is hard to see."""
    by_epoch = dict(zip([metrics.epoch for metrics in trial.epochs], gaps, strict=True))
    kept = by_epoch.get(trial.kept_epoch or 0)
    at_kept = "" if kept is None else f"{_signed(kept)} kept, "
    return f"Overfitting gap ({at_kept}{_signed(gaps[-1])} last)"


def _signed(points: float) -> str:
    return f"{round(points, 1) + 0.0:+.1f}"  # never "-0.0"


def _draw_pair(
    axes: Axes, epochs: list[int], train: Sequence[float], validation: Sequence[float]
) -> None:
    axes.plot(epochs, train, marker=".", color=BLUE, label="training")
    axes.plot(epochs, validation, marker=".", color=VERMILION, linestyle="--", label="validation")


def mark_kept(axes: Axes, kept_epoch: int | None) -> None:
    """Draw a line at the epoch whose weights are kept, if there is one."""
    if kept_epoch is not None:
        axes.axvline(
            kept_epoch, color=GREY, linestyle=":", linewidth=1.5, zorder=1, label="kept epoch"
        )
