"""Weight distributions: quantiles and a histogram of every layer's weights and biases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import torch

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hpo_torch.plugin_api import Probe, TrainingRecord

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_DECADES = [10.0 ** (half / 2) for half in range(-6, 3)]  # 0.001, 0.00316 ... 10
# Always the same, so that epochs and trials can be laid over each other; weights span decades.
EDGES: Final = tuple([-edge for edge in reversed(_DECADES)] + _DECADES)
# Sorting 400,000 weights takes as long as a training step; of 16,384, a quantile's error is below
# 0.4 % of rank.
SAMPLE = 16_384
_SPREAD = 2_654_435_761  # prime, near 2^32 / golden ratio (Knuth, TAOCP 3, 6.4): no pattern of rows


def sample(values: Tensor) -> Tensor:
    """Return all values, flat, or 16,384 of them from everywhere; always the same positions."""
    flat = values.detach().flatten()
    if len(flat) <= SAMPLE:
        return flat
    positions = torch.arange(SAMPLE, device=flat.device) * _SPREAD % len(flat)
    return flat[positions]


def figures(values: Tensor) -> Tensor:
    """Return a row of float32 [28] on the values' device.

    Finite values (a count), root mean square, least, greatest, 5 quantiles, and 19 counts: below
    the first edge, from each edge to the next, from the last on. Quantiles and counts are of
    `sample`. Where not all are finite, only the first figure means something.
    """
    values = values.detach().float()
    few = sample(values)
    size = torch.linalg.vector_norm(values) / math.sqrt(values.numel())
    whole = torch.stack((values.isfinite().sum(), size, *values.aminmax()))
    bins = torch.bucketize(few, few.new_tensor(EDGES), right=True)
    counts = torch.bincount(bins, minlength=len(EDGES) + 1)
    return torch.cat((whole, few.quantile(few.new_tensor(QUANTILES)), counts))


def distributions(network: nn.Module) -> dict[str, dict[str, Any]]:
    """Return the figures of every parameter by name, with one wait for the device."""
    named = [(name, p) for name, p in network.named_parameters() if p.numel()]
    rows = torch.stack([figures(p) for _, p in named]).tolist() if named else []
    return {name: _as_json(p.numel(), row) for (name, p), row in zip(named, rows, strict=True)}


def _as_json(size: int, row: list[float]) -> dict[str, Any]:
    finite, *numbers = row
    if finite < size:
        return {"size": size, "finite": int(finite)}
    short = [float(f"{number:.4g}") for number in numbers[: 3 + len(QUANTILES)]]
    return {
        "size": size,
        "finite": size,
        "rms": short[0],
        "range": short[1:3],
        "quantiles": short[3:],
        "histogram": [int(count) for count in numbers[3 + len(QUANTILES) :]],
    }


class WeightDistributions:
    """The share of weights and biases that are finite, of the kept epoch; their figures beside it.

    1 is all finite, 0 none. None without parameters. Large or small weights are neither good nor
    bad by themselves: what is worth watching is how the figures change over epochs.
    """

    def observe(self, probe: Probe) -> dict[str, Any]:
        """Summarise all parameters as they are now."""
        return distributions(probe.network)

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's figures."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="the kept epoch could not be observed")
        size = sum(each["size"] for each in kept.values())
        if size == 0:
            return HealthReading(reason="the network has no parameters", applies=False)
        value = sum(each["finite"] for each in kept.values()) / size
        details = {
            "parameters": kept,
            "quantiles_at": list(QUANTILES),
            "histogram_edges": [float(f"{edge:.4g}") for edge in EDGES],
        }
        return HealthReading(value=value, details=details)
