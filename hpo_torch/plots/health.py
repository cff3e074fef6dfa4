"""A picture of one trial's health: every metric, and what is known of each layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    GREY,
    LABEL_SIZE,
    SKY,
    SMALL_SIZE,
    VERMILION,
    faint,
    ink,
    new_figure,
    polish,
    shorten,
)
from hpo_torch.results.health_metrics import in_order
from hpo_torch.results.layer_figures import layer_figures, layers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from hpo_torch.protocol.measurements import HealthReading, Measurements
    from hpo_torch.results.layer_figures import LayerFigure

_PANEL_COLUMNS = 4
_MANY_LAYERS = 40
"""From here on bars have no numbers, and not every layer has its name."""
_LONGEST_LAYER = 20
_BAR_HEIGHT = 0.27  # inches; a line of text is 0.15
_PALE = "#BFBFBF"


def health_report(
    measurements: Measurements, trial: int, weights: Mapping[str, float] | None = None
) -> Figure:
    """Draw overall health and each metric from 0 to 1, and what is known of each layer.

    Metrics that count stand above, by falling weight; those that are tracked only are grey. Layer
    figures stand side by side, their layers in one order, from the input down to the output.

    Args:
        measurements: With at least one health metric.
        trial: Number of the trial, for the title.
        weights: Weight by metric name; without, all count alike.
    """
    if weights is None:
        weights = dict.fromkeys(measurements.health, 1.0)
    figures = layer_figures(measurements.health)
    layers = layers_of(figures)
    rows = math.ceil(len(figures) / _PANEL_COLUMNS)
    top = 0.9 + _BAR_HEIGHT * (len(measurements.health) + 1)
    bottom = rows * (0.7 + _BAR_HEIGHT * min(len(layers), _MANY_LAYERS))
    figure = new_figure(10, top + bottom)
    if not rows:
        _draw_metrics(figure.add_subplot(), measurements, trial, weights)
        return figure
    grid = figure.add_gridspec(2, 1, height_ratios=[top, bottom])
    _draw_metrics(figure.add_subfigure(grid[0]).add_subplot(), measurements, trial, weights)
    _draw_layers(figure.add_subfigure(grid[1]), figures, layers, rows)
    return figure


def _draw_metrics(
    axes: Axes, measurements: Measurements, trial: int, weights: Mapping[str, float]
) -> None:
    ordered = in_order(measurements.health, weights)
    names = ["overall health", *(shorten(name) for name, _, _ in ordered)]
    overall = measurements.overall_health
    _draw_value(axes, 0, overall, "too little was measured", GREEN)
    for position, (_, reading, weight) in enumerate(ordered, 1):
        colour = BLUE if weight > 0.0 else _PALE
        _draw_value(axes, position, reading.value, _reason(reading), colour)
    polish(axes, f"Health of trial {trial}", "0 broken … 1 healthy", "")
    axes.set_yticks(range(len(names)), names, fontsize=LABEL_SIZE)
    counted = sum(weight > 0.0 for _, _, weight in ordered)
    for label in axes.get_yticklabels()[counted + 1 :]:
        label.set_color(GREY)
    if counted < len(ordered):
        axes.axhline(counted + 0.5, color=faint(), linewidth=1)
        _write(axes, (1.08, counted + 0.8), "tracked only", GREY, "right")
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, 1.08)
    # The first on top; set by hand, because matplotlib doesn't make room for text alone.
    axes.set_ylim(len(names) - 0.5, -0.5)


def _reason(reading: HealthReading) -> str:
    return reading.reason or "no reason given"


def _draw_value(axes: Axes, position: int, value: float | None, reason: str, colour: str) -> None:
    if value is None:
        text = f"not measured: {shorten(reason, 80)}"
        _write(axes, (0.0, position), text, GREY, "left")
        return
    axes.barh(position, value, color=colour, height=0.7)
    shade = GREY if colour == _PALE else ink()
    _write(axes, (value, position), f"{value:.2f}", shade, "left")


def _write(axes: Axes, place: tuple[float, float], text: str, colour: str, ha: str) -> None:
    axes.annotate(
        text,
        place,
        xytext=(4 if ha == "left" else -2, 0),
        textcoords="offset points",
        ha=ha,
        va="center",
        fontsize=SMALL_SIZE,
        color=colour,
        parse_math=False,
    )


def _draw_layers(
    figure: SubFigure, figures: Sequence[LayerFigure], layers: list[str], rows: int
) -> None:
    figure.suptitle("Layers, from input to output", fontsize=LABEL_SIZE, x=0.01, ha="left")
    columns = min(len(figures), _PANEL_COLUMNS)
    for position, each in enumerate(figures):
        axes = figure.add_subplot(rows, columns, position + 1)
        _draw_layer_figure(axes, each, layers)
        _name_layers(axes, layers, named=position % columns == 0)


def _draw_layer_figure(axes: Axes, figure: LayerFigure, layers: list[str]) -> None:
    # A layer that the figure says nothing of keeps its line, so that lines mean the same layer.
    known = [(layers.index(layer), value) for layer, value in figure.values.items()]
    finite = [value if math.isfinite(value) else 0.0 for _, value in known]
    bars = axes.barh([line for line, _ in known], finite, color=SKY, height=0.7)
    few = len(layers) < _MANY_LAYERS
    numbers = [f"{value:.3g}" if few or not math.isfinite(value) else "" for _, value in known]
    axes.bar_label(bars, numbers, padding=2, fontsize=SMALL_SIZE)
    for text, (_, value) in zip(axes.texts, known, strict=True):
        text.set_color(ink() if math.isfinite(value) else VERMILION)
    polish(axes, "", "", "")
    axes.set_title(shorten(figure.label, 26), fontsize=LABEL_SIZE, loc="left", parse_math=False)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.grid(visible=False, axis="y")
    axes.locator_params(axis="x", nbins=4)
    # Numbers stand outside of the bars, on both sides.
    axes.margins(x=0.3)
    if figure.label.endswith("share"):
        axes.set_xlim(0, 1.3)
    axes.set_ylim(len(layers) - 0.5, -0.5)


def _name_layers(axes: Axes, layers: list[str], *, named: bool) -> None:
    step = math.ceil(len(layers) / _MANY_LAYERS)
    lines = range(0, len(layers), step)
    labels = [_ending(layers[line]) if named else "" for line in lines]
    axes.set_yticks(lines, labels, fontsize=SMALL_SIZE)


def _ending(layer: str) -> str:
    # Layers of one block differ in the end of their names only.
    return layer if len(layer) <= _LONGEST_LAYER else f"…{layer[1 - _LONGEST_LAYER :]}"
