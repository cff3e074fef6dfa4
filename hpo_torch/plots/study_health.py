"""A picture of health over a whole study: what each metric said of all trials, and how alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plots.style import (
    BLUE,
    GREY,
    LABEL_SIZE,
    SMALL_SIZE,
    ink,
    new_figure,
    polish,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.results.health_metrics import MetricFigures
    from hpo_torch.results.health_report import StudyHealth

_LINE = 0.32  # inches


def metric_ranges(report: StudyHealth) -> Figure:
    """Draw each metric's range and mean over all completed trials, and its tau with accuracy.

    Metrics that count stand above, by falling weight; those that are tracked only are grey.

    Args:
        report: With at least one metric.
    """
    metrics = sorted(report.metrics, key=lambda metric: -(metric.weight or 0.0))
    figure = new_figure(10, 1.1 + _LINE * len(metrics))
    axes = figure.add_subplot()
    for line, metric in enumerate(metrics):
        _draw(axes, line, metric)
    polish(
        axes,
        f"Health metrics of {report.completed} completed trials: least, mean, most",
        "0 broken … 1 healthy",
        "",
    )
    names = [shorten(metric.name) for metric in metrics]
    axes.set_yticks(range(len(metrics)), names, fontsize=LABEL_SIZE)
    for label, metric in zip(axes.get_yticklabels(), metrics, strict=True):
        label.set_color(ink() if metric.weight else GREY)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(-0.02, 1.4)  # room for what is written beside 1
    axes.set_xticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.set_ylim(len(metrics) - 0.5, -0.5)
    return figure


def _draw(axes: Axes, line: int, metric: MetricFigures) -> None:
    colour = BLUE if metric.weight else GREY
    if metric.low is None or metric.high is None or metric.mean is None:
        reason = next(iter(metric.not_measured), "no reason given")
        _write(axes, 0.0, line, f"never measured: {shorten(reason, 80)}")
        return
    axes.plot([metric.low, metric.high], [line, line], color=colour, linewidth=4, alpha=0.4)
    axes.plot([metric.mean], [line], "o", color=colour, markersize=6)
    _write(axes, 1.03, line, _said(metric))


def _said(metric: MetricFigures) -> str:
    if metric.never_varied:
        return "never varied"
    return "" if metric.tau is None else f"tau with accuracy {metric.tau:+.2f}"


def _write(axes: Axes, x: float, y: float, text: str) -> None:
    axes.text(x, y, text, va="center", fontsize=SMALL_SIZE, color=GREY, parse_math=False)
