"""A picture of calibration: is the model as often right as it says it is?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import EngFormatter, PercentFormatter

from hpo_torch.plots.style import (
    BLUE,
    GREY,
    LABEL_SIZE,
    SMALL_SIZE,
    TITLE_SIZE,
    VERMILION,
    ink,
    new_figure,
    polish,
)
from hpo_torch.results.reliability import BINS, FEW_EXAMPLES
from hpo_torch.results.wilson import wilson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.reliability import Reliability

_EDGES = np.linspace(0, 1, BINS + 1)
_MIDDLES = (_EDGES[:-1] + _EDGES[1:]) / 2
_WIDTH = 1 / BINS


def calibration(reliability: Reliability) -> Figure:
    """Draw accuracy over confidence in 15 bins, and how many predictions are in each."""
    figure = new_figure(7.5, 7.0)
    diagram, histogram = figure.subplots(2, 1, height_ratios=[3, 1.4], sharex=True)
    _draw_diagram(diagram, reliability)
    _draw_histogram(histogram, reliability)
    figure.suptitle(_title(reliability), fontsize=TITLE_SIZE, x=0.01, ha="left")
    return figure


def _title(reliability: Reliability) -> str:
    examples = int(reliability.counts.sum())
    accuracy = 100 * reliability.right.sum() / examples
    confidence = 100 * reliability.confidences.sum() / examples
    error = reliability.expected_calibration_error
    few = (
        f"\nwith fewer than {FEW_EXAMPLES:,} examples, part of the error is chance"
        if examples < FEW_EXAMPLES
        else ""
    )
    return (
        f"Expected calibration error {error:.3f} on {examples:,} test examples\n"
        f"right in {accuracy:.1f} %, on average {confidence:.1f} % sure{few}"
    )


def _draw_diagram(axes: Axes, reliability: Reliability) -> None:
    filled = np.flatnonzero(reliability.counts)
    counts, right = reliability.counts[filled], reliability.right[filled]
    accuracy, confidence = right / counts, reliability.confidences[filled] / counts
    pairs = [wilson_interval(int(r), int(n)) for r, n in zip(right, counts, strict=True)]
    ends = np.abs(np.array(pairs).T - accuracy)
    polish(axes, "How often it is right, by how sure it says it is", "", "right")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="perfect")
    axes.bar(_MIDDLES[filled], accuracy, 0.9 * _WIDTH, color=BLUE, alpha=0.75, label="right")
    axes.errorbar(
        _MIDDLES[filled],
        accuracy,
        yerr=ends,
        fmt="none",
        ecolor=ink(),
        elinewidth=1.0,
        capsize=2.5,
        label="95 % interval",
    )
    axes.hlines(
        confidence,
        _EDGES[filled] + 0.05 * _WIDTH,
        _EDGES[filled + 1] - 0.05 * _WIDTH,
        color=VERMILION,
        linewidth=2.5,
        label="mean confidence",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.legend(fontsize=SMALL_SIZE + 1, frameon=False, loc="upper left")


def _draw_histogram(axes: Axes, reliability: Reliability) -> None:
    wrong = reliability.counts - reliability.right
    polish(axes, "How sure it is", "probability of the predicted class", "examples")
    for amount, colour, side, name in (
        (reliability.right, BLUE, -0.22, "right"),
        (wrong, VERMILION, 0.22, "wrong"),
    ):
        places = _MIDDLES + side * _WIDTH
        label = f"{name} ({int(amount.sum()):,})"
        axes.bar(places, amount, 0.42 * _WIDTH, color=colour, label=label)
    # Most predictions are in the last bin: on a linear scale there would be nothing but that.
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 3 * reliability.counts.max())
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.legend(fontsize=SMALL_SIZE + 1, frameon=False, loc="upper left", ncols=2)
