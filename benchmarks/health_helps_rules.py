"""Selection rules of health_helps.py: which training of a sub-pool each would return.

A rule gives every training its probability of being returned: 1 and zeros, except where the rule
itself draws. Of equally good trainings the first is returned, as in a search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hpo_torch.search.pareto import ROUNDING, Point, healthiest_within, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DELTA = 0.01
SHUFFLES = 500
BASELINE, PLACEBO = "accuracy only", "placebo 70/30"
# The contrasts that count, each with what it is compared with; Holm's correction is over these.
MAIN: Final[Mapping[str, str]] = {
    "health 70/30": BASELINE,
    "constrained": BASELINE,
    "pareto": BASELINE,
    "robustness 70/30": BASELINE,
    "health 70/30, over placebo": PLACEBO,
}


@dataclass(frozen=True, slots=True)
class SubPool:
    """What rules may look at, one value a training; the oracle alone sees test figures.

    Attributes:
        records: Of completed trainings, as `train_one` makes them.
    """

    records: Sequence[Mapping[str, Any]]

    @property
    def accuracy(self) -> Floats:
        """Validation accuracy."""
        return np.array([record["val_accuracy"] for record in self.records])

    def health(self, variant: str = "default") -> Floats:
        """overall_health; 0 where too little of it was measured, as in a search."""
        return np.array([record["health"][variant] or 0.0 for record in self.records])

    def reading(self, metric: str) -> Floats | None:
        """One metric; 0 where it has no value, None where no training has one."""
        readings = [record["readings"].get(metric) for record in self.records]
        values = [None if reading is None else reading["value"] for reading in readings]
        if all(value is None for value in values):
            return None
        return np.array([value or 0.0 for value in values])

    def calibration(self) -> Floats | None:
        """1 - expected calibration error on validation data."""
        errors = [record["val_ece"] for record in self.records]
        return None if None in errors else 1.0 - np.array(errors)


def one(scores: Floats) -> Floats:
    """Return the first of the highest scores."""
    return _only(int(scores.argmax()), len(scores))


def _only(chosen: int, trainings: int) -> Floats:
    probabilities = np.zeros(trainings)
    probabilities[chosen] = 1.0
    return probabilities


def mixed(pool: SubPool, values: Floats, weight: float) -> Floats:
    """Return the best by (1 - weight) x accuracy + weight x values."""
    return one((1.0 - weight) * pool.accuracy + weight * values)


def within_delta(pool: SubPool) -> NDArray[np.bool_]:
    """Say which trainings are at most delta less accurate than the best."""
    inside: NDArray[np.bool_] = pool.accuracy >= pool.accuracy.max() - DELTA - ROUNDING
    return inside


def constrained(pool: SubPool, values: Floats) -> Floats:
    """Return the highest value within delta of the best accuracy, by the product's own rule."""
    points = [
        Point(number, accuracy, value)
        for number, (accuracy, value) in enumerate(zip(pool.accuracy, values, strict=True))
    ]
    chosen = healthiest_within(points, DELTA)
    assert chosen is not None
    return _only(chosen.trial, len(points))


def pareto(pool: SubPool) -> Floats:
    """Return the point of the front of accuracy and health that comes first in the product's order.

    That is the one that dominates the largest area above (0, 0). (Pareto mode's own second pick,
    the healthiest within delta, is the rule `constrained`.)
    """
    points = [
        Point(number, accuracy, health)
        for number, (accuracy, health) in enumerate(zip(pool.accuracy, pool.health(), strict=True))
    ]
    first = next(point.trial for point in points if place_of(points, point.trial) == 0)
    return _only(first, len(points))


def placebo(pool: SubPool, weight: float = 0.3) -> Floats:
    """Mix accuracy with health that belongs to another training: means over 500 shuffles."""
    generator, health = np.random.default_rng(0), pool.health()
    picks = [mixed(pool, generator.permutation(health), weight) for _ in range(SHUFFLES)]
    mean: Floats = np.mean(picks, axis=0)
    return mean


def random_within(pool: SubPool) -> Floats:
    """Return any training within delta of the best accuracy, each as likely."""
    inside = within_delta(pool)
    probabilities: Floats = inside / inside.sum()
    return probabilities


def least_loss(pool: SubPool) -> Floats:
    """Return the lowest validation loss."""
    return one(-np.array([record["val_loss"] for record in pool.records]))


def most_decay(pool: SubPool) -> Floats:
    """Return the highest weight decay within delta of the best accuracy."""
    decay = np.array([record["hyperparameters"]["weight_decay"] for record in pool.records])
    return constrained(pool, decay)


def oracle(pool: SubPool) -> Floats:
    """Return the most accurate on held-out damage: what no rule can know."""
    return one(np.array([record["test"]["held_out"] for record in pool.records]))


def _alone(pool: SubPool, values: Floats) -> Floats:
    return one(values)


Rule = Callable[[SubPool], "Floats | None"]


def _by(values: Callable[[SubPool], Floats | None], how: Callable[..., Floats]) -> Rule:
    def rule(pool: SubPool) -> Floats | None:
        found = values(pool)
        return None if found is None else how(pool, found)

    return rule


_70_30 = partial(mixed, weight=0.3)
_robustness = partial(SubPool.reading, metric="robustness")
RULES: Final[Mapping[str, Rule]] = {
    BASELINE: lambda pool: one(pool.accuracy),
    "health 70/30": _by(SubPool.health, _70_30),
    "health 50/50": _by(SubPool.health, partial(mixed, weight=0.5)),
    "health alone": _by(SubPool.health, _alone),
    "constrained": _by(SubPool.health, constrained),
    "pareto": pareto,
    "preset original 70/30": _by(partial(SubPool.health, variant="original"), _70_30),
    PLACEBO: placebo,
    "random within delta": random_within,
    "validation loss": least_loss,
    "calibration alone": _by(SubPool.calibration, _alone),
    "calibration 70/30": _by(SubPool.calibration, _70_30),
    "robustness 70/30": _by(_robustness, _70_30),
    "robustness within delta": _by(_robustness, constrained),
    "weight decay within delta": most_decay,
    "oracle": oracle,
}


def sub_pools(records: Sequence[Mapping[str, Any]], size: int) -> list[SubPool]:
    """Divide a condition's trainings into disjoint sub-pools of one seed each.

    Configurations follow each other as they were drawn; what is left over of a seed, and what did
    not complete, is left out of the sub-pools: `size` counts trainings, failed ones included.
    """
    pools = []
    for seed in sorted({record["seed"] for record in records}):
        mine = sorted((r for r in records if r["seed"] == seed), key=lambda r: int(r["config"]))
        for start in range(0, len(mine) - size + 1, size):
            complete = [r for r in mine[start : start + size] if "test" in r]
            if complete:
                pools.append(SubPool(complete))
    return pools
