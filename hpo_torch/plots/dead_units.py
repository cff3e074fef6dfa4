"""Dead units: the share of every layer's units that answer to nothing, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hpo_torch.plots.layer_history import LayerHistory, if_measured, layer_history
from hpo_torch.plots.small_multiples import (
    dress_figure,
    entitle,
    largest,
    left_out,
    raise_zero,
    share_epochs,
    small_multiples,
)
from hpo_torch.plots.style import BLUE, ORANGE, VERMILION
from hpo_torch.plots.training import mark_kept, trial_title
from hpo_torch.results.layer_figures import as_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.results.records import TrialResult

_COLUMNS = 4
_LEAST_TOP = 5.0  # percent; below that a single unit would look like a catastrophe
_DORMANT = "dormant_share_0.025"
_ALL_DEAD = 1.0


def dead_units(trial: TrialResult, epochs: Sequence[EpochFinished]) -> Figure:
    """Draw the share of dead units of every layer over epochs, one scale for all layers.

    Dead is `neuron_utilization`'s: the activation has no slope for any example of the probe, or a
    recurrent unit's state never moves. Where `dormancy` was measured, the share of units that are
    much less active than the others of their layer stands beside it.

    Args:
        trial: Whose.
        epochs: Its epochs, at least one.

    Raises:
        NothingToDrawError: No epoch's units were counted.
    """
    dead, dormant = dead_shares(epochs), if_measured(_dormant_shares, epochs)
    counts = if_measured(_unit_counts, epochs)
    shown = _most_dead(dead)
    names = [dead.layers[line] for line in shown]
    titles = [_title(name, counts) for name in names]
    figure, panels = small_multiples(titles, _COLUMNS, same_scale=True)
    for axes, name in zip(panels, names, strict=True):
        _draw_layer(axes, dead, name, dormant)
        mark_kept(axes, trial.kept_epoch)
    share_epochs(panels, dead.epochs)
    raise_zero(panels[0], _LEAST_TOP)
    some = left_out(len(shown), len(dead.layers), "dead")
    title = f"{trial_title(trial)}: dead units by layer{some}"
    dress_figure(figure, title, panels[0].get_legend_handles_labels()[0], ylabel="units (%)")
    return figure


def dead_shares(epochs: Sequence[EpochFinished]) -> LayerHistory:
    """Return the share 0..1 of every layer's units that are dead; raises NothingToDrawError."""

    def dead(details: Mapping[str, Any]) -> dict[str, float]:
        return {name: 1.0 - share for name, share in as_profile(details.get("alive")).items()}

    return layer_history(epochs, "neuron_utilization", dead)


def _dormant_shares(epochs: Sequence[EpochFinished]) -> LayerHistory:
    return layer_history(epochs, "dormancy", lambda details: as_profile(details.get(_DORMANT)))


def _unit_counts(epochs: Sequence[EpochFinished]) -> LayerHistory:
    return layer_history(
        epochs, "neuron_utilization", lambda details: as_profile(details.get("units"))
    )


def _title(name: str, counts: LayerHistory | None) -> tuple[str, str]:
    counted = np.array([]) if counts is None else counts.of(name)
    counted = counted[np.isfinite(counted)]
    return name, f" ({counted[-1]:.0f} units)" if counted.size else ""


def _most_dead(dead: LayerHistory) -> list[int]:
    """Return the layers that are shown, in order: all, or those with the largest dead shares."""
    return largest(np.nan_to_num(dead.values, nan=0.0).max(axis=1))


def _draw_layer(axes: Axes, dead: LayerHistory, name: str, dormant: LayerHistory | None) -> None:
    shares = dead.of(name)
    axes.fill_between(dead.epochs, 0, 100 * shares, color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(dead.epochs, 100 * shares, color=BLUE, marker=".", linewidth=1.5, label="dead units")
    if dormant is not None:
        axes.plot(
            dormant.epochs,
            100 * dormant.of(name),
            color=ORANGE,
            linestyle="--",
            linewidth=1,
            marker=".",
            markersize=3,
            label="dormant units",
        )
    measured = shares[np.isfinite(shares)]
    if measured.size and measured[-1] == _ALL_DEAD:
        entitle(axes, f"{axes.get_title(loc='left')}: all dead", VERMILION)
