"""How soon a search reaches an accuracy, and what is known where it does not: figures alone.

A time that a search's budget cuts off is not unknown: it lies above the budget. Such bounds go
through ratios and medians, and are printed: ">600" above 600, "<0.8" below 0.8, "1.2 - 1.5" between
both, "-" where nothing is known.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number of at least 0, or the range in which it lies.

    Attributes:
        low: At least this.
        high: At most this, equal to `low` where the number is known; infinite where nothing is.
    """

    low: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Bounds:
        """Return a number that is known."""
        return cls(value, value)

    @classmethod
    def above(cls, value: float) -> Bounds:
        """Return a number of which only this is known."""
        return cls(value, math.inf)

    @property
    def known(self) -> bool:
        """Whether it is a number, and no range."""
        return self.low == self.high

    def __truediv__(self, other: Bounds) -> Bounds:
        """Return the range of the ratio; `other` must be above 0."""
        return Bounds(self.low / other.high, self.high / other.low)

    def text(self, digits: int) -> str:
        """Write it, as the module says."""
        low, high = f"{self.low:.{digits}f}", f"{self.high:.{digits}f}"
        if self.known:
            return low
        if math.isinf(self.high):
            return f">{low}" if self.low > 0 else "-"
        return f"{low} - {high}" if self.low > 0 else f"<{high}"

    def as_json(self) -> list[float | None]:
        """Return both ends; None for infinity, which JSON does not have."""
        return [self.low, None if math.isinf(self.high) else self.high]


def median(values: Sequence[Bounds]) -> Bounds:
    """Return the range of the median of numbers that lie in these, at least one."""
    return Bounds(
        statistics.median(each.low for each in values),
        statistics.median(each.high for each in values),
    )


def least(values: Sequence[Bounds]) -> Bounds:
    """Return the range of the smallest of numbers that lie in these, at least one."""
    return Bounds(min(each.low for each in values), min(each.high for each in values))


@dataclass(frozen=True, slots=True)
class Course:
    """When a search's best accuracy so far rose, and to what.

    Attributes:
        steps: (seconds, accuracy), both ascending.
    """

    steps: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, epochs: Iterable[tuple[float, float]]) -> Course:
        """Take (seconds, accuracy) of every epoch of every trial, in any order."""
        steps: list[tuple[float, float]] = []
        for seconds, accuracy in sorted(epochs):
            if not steps or accuracy > steps[-1][1]:
                steps.append((seconds, accuracy))
        return cls(tuple(steps))

    @property
    def best(self) -> float:
        """The best accuracy; 0 where no epoch ended."""
        return self.steps[-1][1] if self.steps else 0.0

    def reached(self, target: float) -> float | None:
        """Return the seconds to an accuracy; None where it was not reached."""
        return next((seconds for seconds, best in self.steps if best >= target), None)

    def time_to(self, target: float, limit: float) -> Bounds:
        """Return the seconds to an accuracy, or that they are more than `limit`.

        Args:
            target: The accuracy, 0..1.
            limit: Seconds for which the search went on.
        """
        seconds = self.reached(target)
        return Bounds.above(limit) if seconds is None else Bounds.exactly(seconds)


def targets_between(low: float, high: float, count: int) -> list[float]:
    """Return `count` accuracies evenly above `low`, the last of them `high`; none above nothing."""
    if high <= low:
        return []
    return [low + (high - low) * step / count for step in range(1, count)] + [high]


def with_each(values: Sequence[Bounds], digits: int) -> str:
    """Return a cell's text: the median, and all values in brackets; "-" where there are none."""
    if not values:
        return "-"
    each = ", ".join(value.text(digits) for value in values)
    return f"{median(values).text(digits)} ({each})"
