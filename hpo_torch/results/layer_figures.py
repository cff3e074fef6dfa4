"""What a trial's health says of each layer: the figures that are shown, all by the same layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hpo_torch.protocol.measurements import HealthReading

# Of the first-party metrics; all that they measure would be more than anyone reads.
CHOSEN: Final[Mapping[str, tuple[str, str]]] = {
    "neuron_utilization": ("alive", "alive share"),
    "gradient_health": ("decades", "gradient, decades"),
    "update_ratios": ("log10_ratio", "log10 step / weight"),
    "weight_distributions": ("parameters", "weights, rms"),
    "dormancy": ("dormant_share_0.025", "dormant share"),
    "gate_saturation": ("saturated", "saturated gate share"),
    "rank": ("stable_rank", "stable rank"),
}


@dataclass(frozen=True, slots=True)
class LayerFigure:
    """One value per layer, as some metric's details hold it.

    Attributes:
        metric: Name of the health metric.
        label: What the values are, in a few words.
        values: By layer, in the network's order; may hold inf, and nan where not measured.
    """

    metric: str
    label: str
    values: dict[str, float]


def layer_figures(health: Mapping[str, HealthReading]) -> list[LayerFigure]:
    """Return one figure of each metric that has one, the first-party ones first.

    Layers are named by what activations, weights and parameters of one block have in common:
    "conv1" of "conv1.activation" and "network.conv1.conv.weight". Of metrics unknown here it is the
    first detail that maps names to numbers.
    """
    found = []
    for metric in sorted(health, key=lambda name: (_place(name), list(health).index(name))):
        key, label, values = _profile(metric, health[metric].details)
        if values:
            found.append(LayerFigure(metric, label or f"{metric}: {key}", by_block(values)))
    return found


def layers_of(figures: Iterable[LayerFigure]) -> list[str]:
    """Return every layer once, in the network's order: a layer stands behind its predecessors."""
    order: list[str] = []
    for figure in figures:
        place = 0
        for layer in figure.values:
            if layer not in order:
                order.insert(place, layer)
            place = order.index(layer) + 1
    return order


def by_block(values: Mapping[str, float]) -> dict[str, float]:
    """Name values by block; where two would have one name, each keeps its own.

    >>> by_block({"conv1.activation": 1.0, "head.3": 0.5})
    {'conv1': 1.0, 'head.3': 0.5}
    """
    blocks = [block_of(name) for name in values]
    return {
        block if blocks.count(block) == 1 else name: value
        for (name, value), block in zip(values.items(), blocks, strict=True)
    }


def block_of(name: str) -> str:
    """Return the block that a module or parameter belongs to.

    >>> block_of("network.conv1.conv.weight"), block_of("output"), block_of("rnn.act#2")
    ('conv1', 'output', 'rnn#2')
    """
    name, mark, call = name.partition("#")
    name = name.removeprefix("network.").removesuffix(".weight")
    block, _, last = name.rpartition(".")
    # Numbers tell the parts of an nn.Sequential apart.
    return (block if block and not last.isdigit() else name) + mark + call


def _place(metric: str) -> int:
    return list(CHOSEN).index(metric) if metric in CHOSEN else len(CHOSEN)


def _profile(metric: str, details: Mapping[str, Any]) -> tuple[str, str, dict[str, float]]:
    """Return the key, the label (empty of unknown metrics) and the values that are shown."""
    if metric in CHOSEN:
        key, label = CHOSEN[metric]
        detail = details.get(key)
        if metric == "weight_distributions":
            detail = _weight_sizes(detail)
        return key, label, as_profile(detail)
    for key, detail in details.items():
        if values := as_profile(detail):
            return key, "", values
    return "", "", {}


def _weight_sizes(detail: Any) -> dict[str, Any]:
    """Return the root mean square of each block's largest parameter, which is its weights."""
    largest: dict[str, tuple[int, Any]] = {}
    for name, each in detail.items() if isinstance(detail, dict) else ():
        block = block_of(name.removesuffix(".bias"))
        if each["size"] > largest.get(block, (0, None))[0]:
            largest[block] = each["size"], each.get("rms")
    return {block: rms for block, (_, rms) in largest.items()}


def as_profile(detail: Any) -> dict[str, float]:
    """Return a detail that maps names to numbers; empty if it is none, or nothing was measured."""
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
