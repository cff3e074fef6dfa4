"""Update ratios: do optimiser steps move the weights by a sensible share of their size?"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.plugin_api import Probe, TrainingRecord

# Decades of ||dW|| / ||W||: about -3 is the usual advice (Karpathy, CS231n notes); useful trainings
# of small networks lay between -3 and -2.
NOTHING_MOVES, SLOW, FAST, NOTHING_STAYS = -6.0, -4.0, -1.7, -0.5
# Schedules that end near a learning rate of 0 have steps of nearly nothing there.
JUDGED_SHARE = 0.8


def decades(ratio: float) -> float:
    """Return log10 of a ratio: -inf of no movement, inf of one that is not a number."""
    if math.isnan(ratio):
        return math.inf
    return math.log10(ratio) if ratio > 0.0 else -math.inf


def usefulness(log_ratio: float) -> float:
    """Return T(log10 u; -6, -4, -1.7, -0.5): 1 from -4 to -1.7, falling to 0 on both sides."""
    rise = (log_ratio - NOTHING_MOVES) / (SLOW - NOTHING_MOVES)
    fall = (NOTHING_STAYS - log_ratio) / (NOTHING_STAYS - FAST)
    return min(1.0, max(0.0, min(rise, fall)))


def judged(ratios: Sequence[float]) -> Sequence[float]:
    """Return the first 80 % of a weight's samples, at least one."""
    return ratios[: max(1, math.floor(JUDGED_SHARE * len(ratios)))]


class UpdateRatios:
    """Median usefulness of ||dW|| / ||W|| over weights and the first 80 % of sampled steps.

    1 is steps of 1e-4 to 2e-2 of the weights, 0 steps that change nothing or everything. None
    without a sampled step of a weight of two dimensions. A network that has died moves little, like
    one whose learning rate is too small: the ratio says nothing by itself.
    """

    def observe(self, probe: Probe) -> None:
        """Need nothing of the network: its steps are recorded as it trains."""

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score all sampled steps so far."""
        logs = {
            name: [decades(ratio) for ratio in judged(ratios)]
            for name, ratios in record.update_ratios.items()
            if ratios
        }
        if not logs:
            return HealthReading(reason="no optimiser step of a weight matrix was sampled")
        value = median(usefulness(log) for of_weight in logs.values() for log in of_weight)
        medians = {name: median(of_weight) for name, of_weight in logs.items()}
        details = {
            "log10_ratio": {n: m if math.isfinite(m) else None for n, m in medians.items()},
            "samples": max(map(len, record.update_ratios.values())),
        }
        return HealthReading(value=value, details=details)
