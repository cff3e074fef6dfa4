"""A trial's training as a moving picture: curves that grow, beside the health of its layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    GREY,
    SKY,
    VERMILION,
    faint,
    ink,
    new_figure,
    polish,
    shorten,
)
from hpo_torch.plots.training import is_wide
from hpo_torch.plots.training_frames import Frames, frames_of
from hpo_torch.results.health_advice import BROKEN_DECADES, HEALTHY_DECADES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.results.records import TrialResult

_NAMED_LAYERS = 14
_LEAST_TOP = 10.0  # percent of dead units
_TEXT = 11
_BARS = 0.7


def training_animation(
    trial: TrialResult, epochs: Sequence[EpochFinished], weights: Mapping[str, float]
) -> FuncAnimation:
    """Animate a trial's epochs: loss, accuracy, dead units and gradients by layer, health.

    Axes are the same in all frames.

    Args:
        trial: Whose.
        epochs: Its epochs, at least one.
        weights: Weight of every health metric by name: those that count are shown.
    """
    frames = frames_of(epochs, weights)
    figure = new_figure(11, 6.6)
    grid = figure.add_gridspec(2, 3, width_ratios=[1.25, 1, 1])
    updates = [
        _curves(figure.add_subplot(grid[0, 0]), frames, frames.losses, "Loss", "nats"),
        _curves(figure.add_subplot(grid[1, 0]), frames, frames.accuracies, "Accuracy", "%"),
        _dead_bars(figure.add_subplot(grid[0, 1]), frames),
        _gradient_bars(figure.add_subplot(grid[0, 2]), frames),
        _metric_bars(figure.add_subplot(grid[1, 1:]), frames),
    ]
    title = figure.suptitle(" ", fontsize=_TEXT + 2, x=0.01, ha="left")

    def show(frame: int) -> list[Any]:
        epoch = frames.epochs[frame]
        kept = ", kept" if epoch == trial.kept_epoch else ""
        title.set_text(f"Trial {trial.trial}, epoch {epoch} of {frames.planned}{kept}")
        for update in updates:
            update(frame)
        return []

    show(len(frames.epochs) - 1)
    _settle(figure)
    return FuncAnimation(figure, show, frames=len(frames.epochs), init_func=lambda: show(0))


def _settle(figure: Figure) -> None:
    """Lay the panels out once: anew for every frame they would shift, and take their time."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _curves(
    axes: Axes, frames: Frames, values: NDArray[np.float64], title: str, unit: str
) -> Callable[[int], None]:
    lines = [
        axes.plot([], [], marker=".", color=BLUE, label="training")[0],
        axes.plot([], [], marker=".", color=VERMILION, linestyle="--", label="validation")[0],
    ]
    _dress(axes, f"{title} ({unit})", "epoch")
    axes.set_xlim(frames.epochs[0] - 0.5, max(frames.planned, frames.epochs[-1]) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    finite = values[np.isfinite(values)]
    if finite.size:
        _limit(axes, float(finite.min()), float(finite.max()), loss=unit == "nats")
    axes.legend(fontsize=_TEXT - 1, frameon=False, loc="best")

    def update(frame: int) -> None:
        for line, series in zip(lines, values.T, strict=True):
            line.set_data(frames.epochs[: frame + 1], series[: frame + 1])

    return update


def _limit(axes: Axes, low: float, high: float, *, loss: bool) -> None:
    if loss and is_wide(low, high):
        axes.set_yscale("log")
        axes.set_ylim(low / 1.3, high * 1.3)
        return
    room = 0.06 * (high - low) or 0.1
    axes.set_ylim(low - room, high + room)


def _dress(axes: Axes, title: str, xlabel: str) -> None:
    polish(axes, title, xlabel, "")
    # Places are given: to look for free ones takes a third of a frame's time.
    axes.set_title(title, fontsize=_TEXT, loc="left", y=1.0, parse_math=False)
    axes.xaxis.set_label_coords(0.5, -0.14)
    axes.yaxis.set_label_coords(-0.1, 0.5)
    axes.xaxis.label.set_fontsize(_TEXT - 1)
    axes.tick_params(labelsize=_TEXT - 1)


def _bars(axes: Axes, values: NDArray[np.float64], colour: str) -> Callable[[int], None]:
    """Draw one bar per column of [epochs, columns]; what was not measured has none."""
    lengths = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    bars = axes.barh(range(values.shape[1]), lengths[0], height=_BARS, color=colour)
    axes.set_ylim(values.shape[1] - 0.5, -0.5)
    axes.grid(visible=False, axis="y")

    def update(frame: int) -> None:
        for bar, length in zip(bars, lengths[frame], strict=True):
            bar.set_width(length)

    return update


def _layer_bars(axes: Axes, values: NDArray[np.float64], colour: str) -> Callable[[int], None]:
    """Draw bars, and a cross where a layer could not be measured in this epoch but in others."""
    update, known = _bars(axes, values, colour), np.isfinite(values)
    sometimes = np.flatnonzero(known.any(axis=0) & ~known.all(axis=0)).tolist()
    crosses = [(line, axes.plot(0.0, line, "x", color=GREY)[0]) for line in sometimes]

    def write(frame: int) -> None:
        update(frame)
        for line, cross in crosses:
            cross.set_visible(not known[frame, line])

    return write


def _name(axes: Axes, names: Sequence[str]) -> None:
    step = math.ceil(len(names) / _NAMED_LAYERS)
    lines = range(0, len(names), step)
    axes.set_yticks(lines, [shorten(names[line], 18) for line in lines], parse_math=False)


def _unmeasured(axes: Axes, title: str) -> Callable[[int], None]:
    _dress(axes, title, "")
    axes.set_axis_off()
    axes.text(0.0, 0.9, "not measured", fontsize=_TEXT - 1, color=GREY, transform=axes.transAxes)
    return lambda _frame: None


def _dead_bars(axes: Axes, frames: Frames) -> Callable[[int], None]:
    title = "Dead units (%)"
    if not np.isfinite(frames.dead).any():
        return _unmeasured(axes, title)
    update = _layer_bars(axes, frames.dead, VERMILION)
    _dress(axes, title, "")
    axes.set_xlim(0.0, max(_LEAST_TOP, 1.05 * float(np.nanmax(frames.dead))))
    axes.grid(visible=False, axis="y")
    _name(axes, frames.layers)
    none = axes.text(0.04, 0.92, "", fontsize=_TEXT - 1, color=GREY, transform=axes.transAxes)

    def write(frame: int) -> None:
        update(frame)
        none.set_text("" if np.nansum(frames.dead[frame]) else "none")

    return write


def _gradient_bars(axes: Axes, frames: Frames) -> Callable[[int], None]:
    title = "Gradient (decades)"
    finite = np.abs(frames.decades[np.isfinite(frames.decades)])
    if not finite.size:
        return _unmeasured(axes, title)
    axes.axvspan(-HEALTHY_DECADES, HEALTHY_DECADES, color=faint(), zorder=0)
    update = _layer_bars(axes, frames.decades, SKY)
    axes.axvline(0.0, color=GREY, linewidth=1)
    _dress(axes, title, "above the last layer's")
    axes.grid(visible=False)
    widest = min(max(1.25 * HEALTHY_DECADES, 1.05 * float(finite.max())), BROKEN_DECADES)
    axes.set_xlim(-widest, widest)
    axes.tick_params(labelleft=not np.isfinite(frames.dead).any())
    _name(axes, frames.layers)
    return update


def _metric_bars(axes: Axes, frames: Frames) -> Callable[[int], None]:
    update = _bars(axes, frames.values, BLUE)
    axes.patches[0].set_color(GREEN)
    texts = [
        axes.text(0.0, line, "", va="center", fontsize=_TEXT - 2, color=ink())
        for line in range(len(frames.metrics))
    ]
    _dress(axes, "Health", "0 broken … 1 healthy")
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0.0, 1.12)
    axes.set_yticks(range(len(frames.metrics)), frames.metrics, parse_math=False)

    def write(frame: int) -> None:
        update(frame)
        for text, value in zip(texts, frames.values[frame], strict=True):
            known = math.isfinite(value)
            text.set_text(f" {value:.2f}" if known else " not measured")
            text.set_x(value if known else 0.0)

    return write
