"""Where values of a hyperparameter stand on an axis: logarithms, options, and a few ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from hpo_torch.plots.style import SMALL_SIZE, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hpo_torch.results.searched import Searched
    from hpo_torch.search.domains import Value

_MOST_TICKS = 5
_LEAST_TICKS = 3
_LONGEST_OPTION = 14
_LEAST_PLAIN = 1e-3
_GOLDEN = (math.sqrt(5) - 1) / 2
_FEW_NUMBERS = 12
_ROUNDING = 1e-9
_AROUND = 0.1  # of a value that all have, on both sides of it
_AROUND_LOG = 0.5  # decades
_WIDTH = 0.4  # of what equal values are spread over; neighbours are 1 apart
_MARGIN = 0.06
_LONGEST_LINE = 26  # characters of tick labels that fit side by side in a panel


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis of one hyperparameter.

    A position is the value itself, its decimal logarithm, or an option's index.

    Attributes:
        searched: The hyperparameter.
        low: Least position.
        high: Largest position, above `low`.
    """

    searched: Searched
    low: float
    high: float

    @classmethod
    def of(cls, searched: Searched) -> Scale:
        """Make the scale that has room for all values.

        Values that differ by no more than rounding, or whose logarithms are equal, stand in its
        middle.
        """
        if searched.options:
            return cls(searched, 0.0, float(len(searched.options) - 1))
        positions = [_number(value, log=searched.log) for value in searched.values.values()]
        low, high = min(positions), max(positions)
        # Logarithms differ by as much as the values do in relation to their size.
        size = 1.0 if searched.log else max(abs(low), abs(high))
        if high - low > _ROUNDING * size:
            return cls(searched, low, high)
        around = _AROUND_LOG if searched.log else _AROUND * size
        return cls(searched, low - around, high + around)

    @property
    def name(self) -> str:
        """The hyperparameter's name."""
        return self.searched.name

    def position(self, value: Value) -> float:
        """Return where a value stands."""
        if self.searched.options:
            return float(self.searched.options.index(value))
        return _number(value, log=self.searched.log)

    def share(self, value: Value) -> float:
        """Return where a value stands, 0 (lowest) to 1 (highest)."""
        return (self.position(value) - self.low) / (self.high - self.low)

    def shift(self, trial: int) -> float:
        """Return how far to move a trial's mark so that equal values do not hide each other.

        In positions, at most a fifth of the distance between neighbours; the same each time. 0 on
        scales where values are hardly ever equal.
        """
        few = self.searched.whole and not self.searched.log and self.high - self.low <= _FEW_NUMBERS
        if not (self.searched.options or few):
            return 0.0
        return _WIDTH * spread(trial)

    def ticks(self) -> list[tuple[float, str]]:
        """Return a few positions with what to write there; of options, all."""
        if self.searched.options:
            labels = [_text(option) for option in self.searched.options]
            return list(enumerate(map(shorten, labels, [_LONGEST_OPTION] * len(labels))))
        ticks = self._log_ticks() if self.searched.log else self._linear_ticks()
        return [(self.position(value), _short(value)) for value in ticks]

    def _linear_ticks(self) -> list[float]:
        whole = self.searched.whole
        locator = MaxNLocator(_MOST_TICKS - 1, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=2)
        slack = 1e-9 * (self.high - self.low)
        values = [float(value) for value in locator.tick_values(self.low, self.high)]
        return [v for v in values if self.low - slack <= v <= self.high + slack]

    def _log_ticks(self) -> list[float]:
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        slack = 1e-9
        for steps in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
            values = [step * 10.0**decade for decade in decades for step in steps]
            inside = [v for v in values if self.low - slack <= math.log10(v) <= self.high + slack]
            if len(inside) >= _LEAST_TICKS:
                return inside[:: math.ceil(len(inside) / _MOST_TICKS)]
        return [10**self.low, 10**self.high]


def spread(trial: int) -> float:
    """Return a number from -0.5 to 0.5 that is a trial's own; of trial 0, the default's, 0.

    Multiples of the golden ratio fill the interval evenly, however many trials there are.
    """
    return (trial * _GOLDEN + 0.5) % 1.0 - 0.5


def dress_x(axes: Axes, scale: Scale) -> None:
    """Put a hyperparameter's ticks and limits on the horizontal axis."""
    positions, labels = zip(*scale.ticks(), strict=True)
    axes.set_xticks(positions, labels, fontsize=SMALL_SIZE)
    if sum(map(len, labels)) > _LONGEST_LINE:
        axes.tick_params(axis="x", labelrotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
    axes.set_xlim(*_limits(scale))


def dress_y(axes: Axes, scale: Scale) -> None:
    """Put a hyperparameter's ticks and limits on the vertical axis."""
    positions, labels = zip(*scale.ticks(), strict=True)
    axes.set_yticks(positions, labels, fontsize=SMALL_SIZE)
    axes.set_ylim(*_limits(scale))


def _limits(scale: Scale) -> tuple[float, float]:
    margin = 0.5 if scale.searched.options else _MARGIN * (scale.high - scale.low)
    # Whole numbers are spread around themselves, too.
    margin = max(margin, 1.2 * max(abs(scale.shift(trial)) for trial in range(20)))
    return scale.low - margin, scale.high + margin


def _number(value: Value, *, log: bool) -> float:
    return math.log10(float(value)) if log else float(value)


def _text(option: Value) -> str:
    if isinstance(option, bool):
        return "yes" if option else "no"
    return option if isinstance(option, str) else _short(option)


def _short(number: float) -> str:
    """Write a number in few characters.

    >>> [_short(number) for number in (0.0001, 0.003, 0.5, 20000, 1e6)]
    ['1e-4', '0.003', '0.5', '20000', '1e6']
    """
    if 0 < abs(number) < _LEAST_PLAIN:
        mantissa, _, exponent = f"{number:.2e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{number:g}".replace("e+0", "e")
