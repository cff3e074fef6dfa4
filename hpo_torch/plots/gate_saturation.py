"""Gate saturation: how often an LSTM's gates are all but shut or all but open, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hpo_torch.plots.layer_history import LayerHistory, layer_history
from hpo_torch.plots.small_multiples import (
    MOST_PANELS,
    dress_figure,
    largest,
    left_out,
    raise_zero,
    share_epochs,
    small_multiples,
)
from hpo_torch.plots.style import GREEN, ORANGE
from hpo_torch.plots.training import mark_kept, trial_title
from hpo_torch.results.layer_figures import as_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.results.records import TrialResult

GATES: Final = ("input", "forget", "output")
"""Those that `gate_saturation` measures: the cell gate, a tanh, neither shuts nor opens."""
_LEAST_TOP = 5.0  # percent
_ENDS = (("open", "open (above 0.9)", ORANGE, "-"), ("shut", "shut (below 0.1)", GREEN, "--"))


def gate_saturation(trial: TrialResult, epochs: Sequence[EpochFinished]) -> Figure:
    """Draw how often each gate of every LSTM layer and direction is shut or open, in % of values.

    Each layer and direction has a row, each gate a column; all panels have one scale.

    Args:
        trial: Whose.
        epochs: Its epochs, at least one.

    Raises:
        NothingToDrawError: No gates were measured: most networks have none.
    """
    shares = {(end, gate): _shares(epochs, end, gate) for end, *_ in _ENDS for gate in GATES}
    some = shares["open", GATES[0]]
    rows = _most_saturated(list(shares.values()))
    places = [(row, gate) for row in rows for gate in GATES]
    titles = [(some.layers[row], f": {gate} gate") for row, gate in places]
    figure, panels = small_multiples(titles, len(GATES), same_scale=True)
    for axes, (row, gate) in zip(panels, places, strict=True):
        _draw_gate(axes, some.epochs, {end: shares[end, gate].values[row] for end, *_ in _ENDS})
        mark_kept(axes, trial.kept_epoch)
    share_epochs(panels, some.epochs)
    raise_zero(panels[0], _LEAST_TOP)
    title = f"{trial_title(trial)}: saturation of gates"
    title += left_out(len(rows), len(some.layers), "saturation")
    dress_figure(figure, title, panels[0].get_legend_handles_labels()[0], ylabel="gate values (%)")
    return figure


def _shares(epochs: Sequence[EpochFinished], end: str, gate: str) -> LayerHistory:
    def profile(details: Mapping[str, Any]) -> dict[str, float]:
        gates = details.get("gates", {})
        return as_profile({name: each[end][gate] for name, each in gates.items()})

    return layer_history(epochs, "gate_saturation", profile)


def _most_saturated(shares: Sequence[LayerHistory]) -> list[int]:
    """Return the layers that are shown, in order: all, or the most saturated ones."""
    total = sum(np.nan_to_num(each.values, nan=0.0).max(axis=1) for each in shares)
    return largest(np.asarray(total), MOST_PANELS // len(GATES))


def _draw_gate(axes: Axes, epochs: Sequence[int], shares: Mapping[str, Any]) -> None:
    for end, label, colour, dashes in _ENDS:
        axes.plot(
            epochs,
            100 * shares[end],
            color=colour,
            linestyle=dashes,
            marker=".",
            label=label,
        )
