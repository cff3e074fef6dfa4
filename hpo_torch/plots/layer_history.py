"""What a health metric says of each layer, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.results.layer_figures import LayerFigure, by_block, layers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from hpo_torch.protocol.events import EpochFinished


@dataclass(frozen=True, slots=True, eq=False)
class LayerHistory:
    """One value per layer and epoch.

    Attributes:
        epochs: Consecutive numbers, from the first recorded epoch to the last.
        layers: Short names, from input to output.
        values: float64 [layers, epochs]; nan where nothing was measured.
    """

    epochs: list[int]
    layers: list[str]
    values: NDArray[np.float64]

    def of(self, layer: str) -> NDArray[np.float64]:
        """Return a layer's values, [epochs]; all nan of one that is not there."""
        if layer not in self.layers:
            return np.full(len(self.epochs), np.nan)
        values: NDArray[np.float64] = self.values[self.layers.index(layer)]
        return values


def layer_history(
    epochs: Sequence[EpochFinished],
    metric: str,
    profile: Callable[[Mapping[str, Any]], Mapping[str, float]],
) -> LayerHistory:
    """Collect a metric's values of every layer, of each epoch's own weights.

    Args:
        epochs: At least one, by number.
        metric: Name of the health metric.
        profile: Takes from its details one value per layer; nothing where there are none.

    Raises:
        NothingToDrawError: No epoch has values; the message says why.
    """
    profiles = {
        epoch.metrics.epoch: dict(profile(epoch.health[metric].details))
        for epoch in epochs
        if metric in epoch.health
    }
    names = layers_of(LayerFigure(metric, "", values) for values in profiles.values())
    if not names:
        raise NothingToDrawError(why_nothing(epochs, metric))
    numbers = all_epochs(epochs)
    values = np.full((len(names), len(numbers)), np.nan)
    for number, found in profiles.items():
        for name, value in found.items():
            values[names.index(name), number - numbers[0]] = value
    return LayerHistory(numbers, list(by_block(dict.fromkeys(names, 0.0))), values)


def all_epochs(epochs: Sequence[EpochFinished]) -> list[int]:
    """Return all numbers from the first epoch to the last: one that was lost leaves a gap."""
    return list(range(epochs[0].metrics.epoch, epochs[-1].metrics.epoch + 1))


def why_nothing(epochs: Sequence[EpochFinished], metric: str) -> str:
    """Say why a metric tells nothing of layers, in the words of its last reading."""
    reading = epochs[-1].health.get(metric)
    if reading is None:
        return f"{metric} was not measured"
    return f"{metric}: {reading.reason or 'nothing is known of the layers'}"


def if_measured(
    measure: Callable[[Sequence[EpochFinished]], LayerHistory], epochs: Sequence[EpochFinished]
) -> LayerHistory | None:
    """Return what was measured, or None."""
    try:
        return measure(epochs)
    except NothingToDrawError:
        return None
