"""Statistics of health_helps.py: paired differences, Holm, partial tau in strata, the line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 10_000
TAU_RESAMPLES = 1000
LEVEL = 0.95
MARGIN = 0.005  # half a percentage point: less is no effect
_EXACT_UNITS = 16  # 2 ** 16 sign patterns


def bootstrap_interval(differences: Floats) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean, resampling units."""
    drawn = np.random.default_rng(0).integers(len(differences), size=(RESAMPLES, len(differences)))
    return _interval(differences[drawn].mean(axis=1))


def sign_flip_p(differences: Floats) -> float:
    """Return the two-sided p that the mean is 0, were each unit's sign a coin's.

    Fisher's randomisation test: exact up to 16 units, by 65,536 drawn patterns above.
    """
    units = len(differences)
    if units <= _EXACT_UNITS:
        patterns = np.arange(2**units)[:, None] >> np.arange(units) & 1
    else:
        patterns = np.random.default_rng(0).integers(2, size=(2**_EXACT_UNITS, units))
        patterns[0] = 0  # as observed, so that p is never 0
    means = ((1 - 2 * patterns) @ differences) / units
    return float((np.abs(means) >= abs(differences.mean()) - 1e-12).mean())


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p values for their number (Holm 1979): the k-th smallest of m times m - k + 1."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted, largest = {}, 0.0
    for position, name in enumerate(ordered):
        largest = max(largest, min(1.0, p_values[name] * (len(ordered) - position)))
        adjusted[name] = largest
    return adjusted


def verdict(low: float, high: float, *, higher_is_better: bool = True) -> str:
    """Read an interval: within half a point of 0 is "no effect", even where it excludes 0."""
    if low >= -MARGIN and high <= MARGIN:
        return "no effect"
    if low <= 0.0 <= high:
        return "undecided"
    return "better" if (low > 0.0) == higher_is_better else "worse"


@dataclass(frozen=True, slots=True)
class Tau:
    """A partial rank correlation.

    Attributes:
        value: -1..1; NaN where a variable does not vary within the strata.
        low: Of the 95 % interval, by resampling models.
        high: Likewise.
        pairs: Pairs of models that were compared.
    """

    value: float
    low: float
    high: float
    pairs: int


def partial_tau(metric: Floats, target: Floats, control: Floats, strata: Sequence[Hashable]) -> Tau:
    """Correlate a metric with a target, given a control, over pairs within strata only.

    Kendall's tau-b is sum sgn(x_i - x_j) sgn(y_i - y_j) / sqrt(sum sgn(x)^2 sum sgn(y)^2) over
    pairs i < j. Here only pairs of one stratum are summed, so that differences between strata say
    nothing (Kendall's tau with a blocking variable: Korn 1984, Biometrics 40). The three taus are
    combined as in Kendall 1942 (Biometrika 32): (xy - xz yz) / sqrt((1 - xz^2) (1 - yz^2)).

    Args:
        metric: x, one value a model.
        target: y.
        control: z.
        strata: One label a model.
    """
    codes = np.unique([str(stratum) for stratum in strata], return_inverse=True)[1]
    same = (codes[:, None] == codes[None, :]).astype(np.float64)
    signs = [np.sign(v[:, None] - v[None, :]) * same for v in (metric, target, control)]
    products = [a * b for a in signs for b in signs]

    def value(counts: Floats) -> float:
        # A model that is drawn twice is no pair with itself: its signs are 0.
        sums = np.array([counts @ product @ counts for product in products]).reshape(3, 3)
        deviations = np.sqrt(np.diag(sums))
        if not deviations.all():
            return float("nan")
        xy, xz, yz = (
            sums[i, j] / (deviations[i] * deviations[j]) for i, j in ((0, 1), (0, 2), (1, 2))
        )
        rest = (1 - xz**2) * (1 - yz**2)
        return float((xy - xz * yz) / rest**0.5) if rest > 1e-12 else float("nan")  # noqa: PLR2004

    models = len(metric)
    generator = np.random.default_rng(0)
    drawn = [
        value(np.bincount(generator.integers(models, size=models), minlength=models).astype(float))
        for _ in range(TAU_RESAMPLES)
    ]
    low, high = _interval(np.array(drawn))
    pairs = int((same.sum() - models) / 2)
    return Tau(value(np.ones(models)), low, high, pairs)


@dataclass(frozen=True, slots=True)
class Line:
    """What accuracy on damaged data follows from accuracy on clean data, on logit scales.

    Miller et al. 2021 (arXiv 2107.04649) use probits; effective robustness, what lies above the
    line, is of Taori et al. 2020 (arXiv 2007.00644).
    """

    slope: float
    intercept: float
    examples: int

    @classmethod
    def fit(cls, clean: Floats, damaged: Floats, examples: int) -> Line:
        """Fit by least squares.

        Args:
            clean: Accuracy of each model, 0..1.
            damaged: Likewise.
            examples: Test examples; decides how far 0 and 1 are from each other on the scale.
        """
        slope, intercept = np.polyfit(logit(clean, examples), logit(damaged, examples), 1)
        return cls(float(slope), float(intercept), examples)

    def above(self, clean: Floats, damaged: Floats) -> Floats:
        """Return how much more accurate models are than the line says, -1..1."""
        expected = self.intercept + self.slope * logit(clean, self.examples)
        above: Floats = damaged - 1.0 / (1.0 + np.exp(-expected))
        return above


def logit(accuracy: Floats, examples: int) -> Floats:
    """Return log(a / (1 - a)) of a = (accuracy * n + 1/2) / (n + 1), which is never 0 or 1."""
    inside = (accuracy * examples + 0.5) / (examples + 1)
    logits: Floats = np.log(inside / (1 - inside))
    return logits


def by_range(values: Sequence[int], edges: Sequence[int]) -> list[str]:
    """Name the range [edge, next edge) of each value.

    >>> by_range([2, 5], (0, 4, 99))
    ['0-3', '4-98']
    """
    ranges = [(low, high, f"{low}-{high - 1}") for low, high in pairwise(edges)]
    return [next(name for low, high, name in ranges if low <= value < high) for value in values]


def _interval(values: Floats) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    if np.isnan(values).mean() > tail:
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, (tail, 1 - tail))
    return float(low), float(high)
