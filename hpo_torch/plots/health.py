"""A picture of one trial's health: every metric, and what it says about each layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch.plots.style import (
    BLUE,
    GREEN,
    GREY,
    LABEL_SIZE,
    SKY,
    SMALL_SIZE,
    VERMILION,
    new_figure,
    polish,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from hpo_torch.protocol.measurements import HealthReading, Measurements

_PANEL_COLUMNS = 2
_FEW_LAYERS = 12
"""Up to this many layers each bar has room for its number; twice as many for their names."""
_LONGEST_LAYER = 20


@dataclass(frozen=True, slots=True)
class LayerProfile:
    """One value per layer, as some metric's details hold it.

    Attributes:
        metric: Name of the health metric.
        key: Name of the detail.
        values: By layer, in the network's order; may hold inf or nan.
    """

    metric: str
    key: str
    values: dict[str, float]


def layer_profiles(health: Mapping[str, HealthReading]) -> list[LayerProfile]:
    """Find every detail that maps layers to numbers, whichever plugin measured it."""
    return [
        LayerProfile(metric, key, profile)
        for metric, reading in health.items()
        for key, detail in reading.details.items()
        if (profile := _as_profile(detail))
    ]


def _as_profile(detail: Any) -> dict[str, float]:
    if not isinstance(detail, dict) or not all(map(_is_reading, detail.values())):
        return {}
    if all(value is None for value in detail.values()):
        return {}
    # A layer that could not be measured keeps its place.
    return {str(k): math.nan if v is None else float(v) for k, v in detail.items()}


def _is_reading(value: Any) -> bool:
    # JSON has no NaN: `Frozen` writes what is not finite as these strings.
    if value is None or value in ("NaN", "Infinity", "-Infinity"):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def health_report(measurements: Measurements, trial: int) -> Figure:
    """Draw overall health and each metric from 0 to 1, and a panel per layer profile.

    Args:
        measurements: With at least one health metric.
        trial: Number of the trial, for the title.
    """
    profiles = layer_profiles(measurements.health)
    rows = math.ceil(len(profiles) / _PANEL_COLUMNS)
    top = 1.2 + 0.4 * (len(measurements.health) + 1)
    bottom = 3.2 * rows
    figure = new_figure(10, top + bottom)
    if not rows:
        _draw_metrics(figure.add_subplot(), measurements, trial)
        return figure
    grid = figure.add_gridspec(2, 1, height_ratios=[top, bottom])
    _draw_metrics(figure.add_subfigure(grid[0]).add_subplot(), measurements, trial)
    _draw_profiles(figure.add_subfigure(grid[1]), profiles, rows)
    return figure


def _draw_metrics(axes: Axes, measurements: Measurements, trial: int) -> None:
    readings = [("overall health", measurements.overall_health, "no metric could be measured")]
    readings += [
        (n, r.value, r.reason or "no reason given") for n, r in measurements.health.items()
    ]
    for position, (_, value, reason) in enumerate(readings):
        if value is None:
            text, start, colour = f"not measured: {shorten(reason, 90)}", 0.0, GREY
        else:
            axes.barh(position, value, color=GREEN if position == 0 else BLUE, height=0.7)
            text, start, colour = f"{value:.2f}", value, "black"
        axes.annotate(
            text,
            (start, position),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL_SIZE + 1,
            color=colour,
            parse_math=False,
        )
    polish(axes, f"Health of trial {trial}", "0 broken … 1 healthy", "")
    axes.set_yticks(range(len(readings)), [shorten(r[0]) for r in readings], fontsize=LABEL_SIZE)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, 1.08)
    # The first on top; set by hand, because matplotlib doesn't make room for text alone.
    axes.set_ylim(len(readings) - 0.5, -0.5)


def _ending(layer: str) -> str:
    # Layers of one block differ in the end of their names only.
    return layer if len(layer) <= _LONGEST_LAYER else f"…{layer[1 - _LONGEST_LAYER :]}"


def _draw_profiles(figure: SubFigure, profiles: list[LayerProfile], rows: int) -> None:
    for position, profile in enumerate(profiles, 1):
        _draw_profile(figure.add_subplot(rows, _PANEL_COLUMNS, position), profile)


def _draw_profile(axes: Axes, profile: LayerProfile) -> None:
    layers, values = list(profile.values), list(profile.values.values())
    finite = [value if math.isfinite(value) else 0.0 for value in values]
    bars = axes.bar(range(len(layers)), finite, color=SKY, width=0.8)
    few = len(layers) <= _FEW_LAYERS
    labels = ["" if math.isfinite(value) and not few else f"{value:.3g}" for value in values]
    axes.bar_label(bars, labels, padding=2, fontsize=SMALL_SIZE)
    for text, value in zip(axes.texts, values, strict=True):
        text.set_color("black" if math.isfinite(value) else VERMILION)
    polish(axes, f"{profile.metric}: {profile.key}", "layer, from input to output", profile.key)
    axes.set_title(axes.get_title(loc="left"), fontsize=LABEL_SIZE, loc="left")
    axes.axhline(0, color=GREY, linewidth=1)
    axes.grid(visible=False, axis="x")
    step = math.ceil(len(layers) / (2 * _FEW_LAYERS))
    axes.set_xticks(
        range(0, len(layers), step),
        [_ending(layer) for layer in layers[::step]],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontsize=SMALL_SIZE,
    )
    axes.margins(y=0.15)
