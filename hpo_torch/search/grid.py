"""A grid over a conditional search space: how many points it has, and which the k-th one is."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpo_torch.search.domains import Value
    from hpo_torch.search.space import SearchSpace

_GOLDEN = (math.sqrt(5) - 1) / 2


def int_points(low: int, high: int, points: int, *, log: bool = False) -> tuple[int, ...]:
    """Choose at most `points` whole numbers, evenly spaced (in the logarithm: `log`), with ends."""
    if high - low < points:
        return tuple(range(low, high + 1))
    spaced = float_points(low, high, points, log=log)
    return tuple(dict.fromkeys(round(number) for number in spaced))


def float_points(low: float, high: float, points: int, *, log: bool = False) -> tuple[float, ...]:
    """Choose `points` numbers, evenly spaced (in the logarithm: `log`), with ends.

    One point is the middle.
    """
    if low == high:
        return (low,)
    shares = [0.5] if points == 1 else [index / (points - 1) for index in range(points)]
    if log:
        spaced = [low * (high / low) ** share for share in shares]
    else:
        spaced = [low + (high - low) * share for share in shares]
    # Rounding must not leave the domain.
    return tuple(min(max(number, low), high) for number in spaced)


@dataclass(frozen=True, slots=True)
class _Block:
    """All points that share the values on which the rest depends."""

    decided: dict[str, Value]
    free: tuple[tuple[str, tuple[Value, ...]], ...]

    @property
    def size(self) -> int:
        return math.prod(len(values) for _, values in self.free)

    def point(self, index: int) -> dict[str, Value]:
        values = dict(self.decided)
        for name, options in self.free:
            index, position = divmod(index, len(options))
            values[name] = options[position]
        return values


class Grid:
    """Every combination of a space's options, and of `points` values of each range, once.

    A hyperparameter that exists only under a condition multiplies only the combinations that meet
    it. Points are computed when asked for, so a grid may be larger than any memory.

    Args:
        space: What is searched.
        fixed: What is not, as `check_fixed` returns it.
        points: Values of each range; at least 1.
        seed: Of the order.
    """

    def __init__(
        self, space: SearchSpace, fixed: Mapping[str, Value], points: int, seed: int
    ) -> None:
        self._blocks = _blocks(space, fixed, points)
        self._ends = list(accumulate(block.size for block in self._blocks))
        rng = random.Random(seed)  # noqa: S311 - an order of trials is no secret
        self._offset = rng.randrange(self.size)
        self._stride = _stride(self.size, rng)

    @property
    def size(self) -> int:
        """Number of points."""
        return self._ends[-1]

    def point(self, position: int) -> dict[str, Value]:
        """Return the point at a position of the order, 0..size-1: what the space would suggest.

        Neighbours in the order lie far apart, so that a grid that is stopped early has covered
        every option about equally often.
        """
        index = (self._offset + position * self._stride) % self.size
        block = bisect_right(self._ends, index)
        return self._blocks[block].point(index - (self._ends[block - 1] if block else 0))


def _stride(size: int, rng: random.Random) -> int:
    """Choose a step that shares no factor with `size`, and so visits every point once."""
    stride = max(round(size * _GOLDEN) + rng.randrange(-(size // 20), size // 20 + 1), 1)
    while math.gcd(stride, size) != 1:
        stride += 1
    return stride


def _blocks(space: SearchSpace, fixed: Mapping[str, Value], points: int) -> list[_Block]:
    """Sample the space once for each combination of what decides about the rest."""
    blocks = []
    script: list[int] = []
    while True:
        walk = _Walk(space.deciding, script, points)
        space.sample(walk, fixed)
        blocks.append(_Block(walk.decided, tuple(walk.free)))
        script = [*script, *[0] * (len(walk.widths) - len(script))]
        while script and script[-1] == walk.widths[len(script) - 1] - 1:
            script.pop()
        if not script:
            return blocks
        script[-1] += 1


class _Walk:
    """Chooses what a script says of deciding hyperparameters, and notes the others' options."""

    def __init__(self, deciding: frozenset[str], script: list[int], points: int) -> None:
        self._deciding, self._script, self._points = deciding, script, points
        self.decided: dict[str, Value] = {}
        self.widths: list[int] = []
        self.free: list[tuple[str, tuple[Value, ...]]] = []

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> Any:
        return self._choose(name, int_points(low, high, self._points, log=log))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> Any:
        return self._choose(name, float_points(low, high, self._points, log=log))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._choose(name, tuple(choices))

    def _choose(self, name: str, options: tuple[Value, ...]) -> Value:
        if name not in self._deciding:
            self.free.append((name, options))
            return options[0]
        position = len(self.widths)
        self.widths.append(len(options))
        choice = options[self._script[position] if position < len(self._script) else 0]
        self.decided[name] = choice
        return choice
