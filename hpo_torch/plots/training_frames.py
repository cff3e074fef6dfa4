"""What a training's moving picture shows, epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plots.dead_units import dead_shares
from hpo_torch.plots.gradient_flow import decades_of
from hpo_torch.plots.layer_history import LayerHistory, if_measured
from hpo_torch.results.health_metrics import in_order
from hpo_torch.results.layer_figures import LayerFigure, layers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from hpo_torch.protocol.events import EpochFinished


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """One row of each array per epoch; nan where nothing was measured.

    Attributes:
        epochs: Their numbers.
        planned: Epochs that the trial might have trained.
        losses: float64 [epochs, 2], of training and validation, nats.
        accuracies: float64 [epochs, 2], of training and validation, percent.
        layers: From input to output.
        dead: float64 [epochs, layers], percent of a layer's units that are dead.
        decades: float64 [epochs, layers], log10 of the gradient over that at the last layer.
        metrics: Overall health, of the epoch kept so far, then the metrics that count, of this
            epoch's own weights.
        values: float64 [epochs, metrics], 0..1.
    """

    epochs: list[int]
    planned: int
    losses: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    layers: list[str]
    dead: NDArray[np.float64]
    decades: NDArray[np.float64]
    metrics: list[str]
    values: NDArray[np.float64]


def frames_of(epochs: Sequence[EpochFinished], weights: Mapping[str, float]) -> Frames:
    """Collect what is shown.

    Args:
        epochs: At least one, by number.
        weights: Weight of every health metric by name: those that count are shown.
    """
    metrics = [epoch.metrics for epoch in epochs]
    dead, decades = if_measured(dead_shares, epochs), if_measured(decades_of, epochs)
    histories = [history for history in (dead, decades) if history is not None]
    layers = layers_of(
        LayerFigure("", "", dict.fromkeys(history.layers, 0.0)) for history in histories
    )
    shown = _shown_metrics(epochs, weights)
    return Frames(
        epochs=[each.epoch for each in metrics],
        planned=max(epochs[-1].epochs, metrics[-1].epoch),
        losses=np.array([[each.train_loss, each.val_loss] for each in metrics]),
        accuracies=100 * np.array([[m.train_accuracy, m.val_accuracy] for m in metrics]),
        layers=layers,
        dead=100 * _by_epoch(dead, layers, epochs),
        decades=_by_epoch(decades, layers, epochs),
        metrics=["overall (kept epoch)", *shown],
        values=np.array([[_overall(epoch), *_values(epoch, shown)] for epoch in epochs]),
    )


def _by_epoch(
    history: LayerHistory | None, layers: Sequence[str], epochs: Sequence[EpochFinished]
) -> NDArray[np.float64]:
    """Return values [epochs, layers], nan where not measured."""
    if history is None:
        return np.full((len(epochs), len(layers)), np.nan)
    columns = [epoch.metrics.epoch - history.epochs[0] for epoch in epochs]
    return np.array([history.of(layer) for layer in layers]).reshape(len(layers), -1).T[columns]


def _shown_metrics(epochs: Sequence[EpochFinished], weights: Mapping[str, float]) -> list[str]:
    """Return metrics that count, or all where none does; those never measured are left out."""
    ordered = in_order(epochs[-1].health, weights)
    measured = {n for epoch in epochs for n, r in epoch.health.items() if r.value is not None}
    known = [(name, weight) for name, _, weight in ordered if name in measured]
    return [name for name, weight in known if weight > 0.0] or [name for name, _ in known]


def _overall(epoch: EpochFinished) -> float:
    value = epoch.so_far.overall_health
    return math.nan if value is None else value


def _values(epoch: EpochFinished, metrics: Iterable[str]) -> list[float]:
    readings = [epoch.health.get(name) for name in metrics]
    return [math.nan if r is None or r.value is None else r.value for r in readings]
