"""Gradient flow: how large the gradient is at every layer, epoch by epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize, to_rgb
from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.layer_history import LayerHistory, layer_history
from hpo_torch.plots.style import (
    BLUE,
    GREY,
    LABEL_SIZE,
    SKY,
    SMALL_SIZE,
    TITLE_SIZE,
    VERMILION,
    faint,
    ink,
    new_figure,
    on_dark,
    polish,
    shorten,
)
from hpo_torch.plots.training import trial_title
from hpo_torch.results.health_advice import BROKEN_DECADES, HEALTHY_DECADES
from hpo_torch.results.layer_figures import as_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.results.records import TrialResult

_NUMBERED_LAYERS, _NUMBERED_EPOCHS = 24, 12
_NAMED_LAYERS = 60
_LINES = ((SKY, ":", "s"), (BLUE, "--", "o"), (VERMILION, "-", "D"))
_BRIGHT = 0.55


def gradient_flow(trial: TrialResult, epochs: Sequence[EpochFinished]) -> Figure:
    """Draw the gradient's size over layers and epochs, and over depth for three of the epochs.

    Sizes are `gradient_health`'s: log10 of the gradient's norm at a layer's output over that at the
    last layer's.

    Args:
        trial: Whose.
        epochs: Its epochs, at least one.

    Raises:
        NothingToDrawError: No epoch's gradients were measured at two layers.
    """
    history = decades_of(epochs)
    figure = new_figure(10.5, 2.0 + 0.22 * min(max(len(history.layers), 9), _NAMED_LAYERS))
    heat, depth = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    _draw_heat(figure, heat, history)
    _draw_depth(depth, history)
    _name_layers(heat, history.layers)
    figure.suptitle(f"{trial_title(trial)}: gradient flow", fontsize=TITLE_SIZE, x=0.01, ha="left")
    return figure


def decades_of(epochs: Sequence[EpochFinished]) -> LayerHistory:
    """Return log10 of every layer's gradient over the last layer's; raises NothingToDrawError."""
    return layer_history(
        epochs, "gradient_health", lambda details: as_profile(details.get("decades"))
    )


def _draw_heat(figure: Figure, axes: Axes, history: LayerHistory) -> None:
    first, last, count = history.epochs[0], history.epochs[-1], len(history.layers)
    norm, colours = _colours(history)
    axes.set_facecolor(faint())
    image = axes.imshow(
        np.ma.masked_invalid(history.values),
        cmap=colours,
        norm=norm,
        aspect="auto",
        interpolation="nearest",
        extent=(first - 0.5, last + 0.5, count - 0.5, -0.5),
    )
    polish(axes, "Size by layer and epoch", "epoch", "")
    axes.grid(visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if not np.isfinite(history.values).all():
        axes.set_xlabel("epoch (plain cells: not measured)")
    if count <= _NUMBERED_LAYERS and len(history.epochs) <= _NUMBERED_EPOCHS:
        _number_cells(axes, history, lambda value: colours(norm(value)))
    bar = figure.colorbar(image, ax=axes, fraction=0.06, pad=0.02, extend="both")
    bar.set_label("decades above the last layer's", fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=SMALL_SIZE)


def _colours(history: LayerHistory) -> tuple[Normalize, Colormap]:
    """Diverging colours whose middle is the ground's, alike in both directions."""
    finite = np.abs(history.values[np.isfinite(history.values)])
    widest = math.ceil(finite.max()) if finite.size else 0.0
    limit = min(max(widest, 1.0), BROKEN_DECADES)
    # Two maps (ColorBrewer's, F. Crameri's) whose halves any colour vision tells apart.
    return Normalize(-limit, limit), colormaps["vanimo" if on_dark() else "PuOr"]


def _brightness(colour: ColorType) -> float:
    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _number_cells(
    axes: Axes, history: LayerHistory, colour_of: Callable[[float], ColorType]
) -> None:
    for (layer, epoch), value in np.ndenumerate(history.values):
        if math.isfinite(value):
            bright = _brightness(colour_of(value)) > _BRIGHT
            axes.text(
                history.epochs[epoch],
                layer,
                f"{round(value, 1) + 0.0:.1f}",  # never "-0.0"
                ha="center",
                va="center",
                fontsize=SMALL_SIZE,
                color="black" if bright else "white",
            )


def _draw_depth(axes: Axes, history: LayerHistory) -> None:
    measured = np.flatnonzero(np.isfinite(history.values).any(axis=0)).tolist()
    shown = sorted({measured[0], measured[len(measured) // 2], measured[-1]}) if measured else []
    axes.axvspan(-HEALTHY_DECADES, HEALTHY_DECADES, color=faint(), zorder=0)
    axes.axvline(0, color=GREY, linewidth=1)
    for column, (colour, dashes, marker) in zip(shown, _LINES[-len(shown) :], strict=False):
        axes.plot(
            history.values[:, column],
            range(len(history.layers)),
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=4,
            label=f"epoch {history.epochs[column]}",
        )
    polish(axes, "Over depth", "decades (shaded: healthy)", "")
    axes.grid(visible=False)
    if shown:
        axes.legend(fontsize=SMALL_SIZE + 1, frameon=False)


def _name_layers(axes: Axes, layers: Sequence[str]) -> None:
    step = math.ceil(len(layers) / _NAMED_LAYERS)
    lines = range(0, len(layers), step)
    names = [shorten(layers[line], 26) for line in lines]
    axes.set_yticks(lines, names, fontsize=SMALL_SIZE, color=ink(), parse_math=False)
    axes.set_ylim(len(layers) - 0.5, -0.5)
