"""Objective and health side by side: dominance, the front, its hypervolume, picks, an order.

Both are 0..1, higher is better. A point dominates another one if it is at least as good in both and
better in one; points that are equal do not dominate each other.
"""

from __future__ import annotations

from bisect import bisect, insort
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROUNDING: Final = 1e-9
"""Slack of `best - delta`, which floats round: 0.54 - 0.05 is more than 0.49."""


@dataclass(frozen=True, slots=True)
class Point:
    """A trial's two values, 0..1, higher better."""

    trial: int
    objective: float
    health: float

    def equals(self, other: Point) -> bool:
        """Whether both values are the same."""
        return (self.objective, self.health) == (other.objective, other.health)


def front(points: Iterable[Point]) -> list[Point]:
    """Return the points that no other one dominates, by falling objective; equals by number.

    >>> [p.trial for p in front([Point(0, 0.9, 0.2), Point(1, 0.8, 0.1), Point(2, 0.5, 0.7)])]
    [0, 2]
    """
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (-p.objective, -p.health, p.trial)):
        if not kept or point.health > kept[-1].health or point.equals(kept[-1]):
            kept.append(point)
    return kept


def hypervolume(points: Iterable[Point], reference: tuple[float, float]) -> float:
    """Return the area of all that some point is better than and that is better than `reference`.

    Args:
        points: In any order, dominated ones included.
        reference: (objective, health).

    >>> round(hypervolume([Point(0, 0.9, 0.2), Point(1, 0.5, 0.7)], (0.1, 0.0)), 12)
    0.36
    """
    objective, above_health = reference
    area = 0.0
    for point in front(points):
        if point.objective > objective and point.health > above_health:
            area += (point.objective - objective) * (point.health - above_health)
            above_health = point.health
    return area


def healthiest_within(points: Sequence[Point], delta: float) -> Point | None:
    """Return the healthiest point whose objective is at most `delta` below the best one.

    Of equally healthy ones the one with the better objective, then the lower number. So it is
    always on the front. None without points.
    """
    if not points:
        return None
    floor = max(point.objective for point in points) - delta - ROUNDING
    within = (point for point in points if point.objective >= floor)
    return max(within, key=lambda p: (p.health, p.objective, -p.trial))


def best_objective(points: Sequence[Point]) -> Point | None:
    """Return the point with the best objective; of equals the healthier, then the lower number."""
    return max(points, key=lambda p: (p.objective, p.health, -p.trial), default=None)


def place_of(points: Sequence[Point], trial: int) -> int:
    """Return how many of the other points stand before a trial's; those that equal it do not.

    First come those on the front, then those on the front of the rest, and so on (non-dominated
    sorting, Deb et al. 2002, NSGA-II). Within a front each next one is the point that adds the most
    hypervolume above (0, 0) to those before it (greedy subset selection, Guerreiro, Fonseca and
    Paquete 2016, by which Optuna's TPE also splits a front); where two add the same, the one with
    the better objective. Where all are equally healthy this is the order of the objective.

    Raises:
        ValueError: The trial is not among the points.
    """
    left = list(points)
    before = 0
    while left:
        first = front(left)
        on_front = {point.trial for point in first}
        if trial in on_front:
            ranked = _spread_out(first)
            wanted = next(point for point in ranked if point.trial == trial)
            return before + next(n for n, point in enumerate(ranked) if point.equals(wanted))
        before += len(first)
        left = [point for point in left if point.trial not in on_front]
    raise ValueError(f"expected trial {trial} among the points")


def _spread_out(first: list[Point]) -> list[Point]:
    """Order a front, given by falling objective, by what each adds to the hypervolume.

    Equal points come one after the other.
    """
    equals = [[first[0]]]
    for one, other in pairwise(first):
        if one.equals(other):
            equals[-1].append(other)
        else:
            equals.append([other])
    different = [group[0] for group in equals]
    left, by_objective, order = list(range(len(different))), list[int](), list[int]()
    while left:
        chosen = max(left, key=lambda index: _added(different, by_objective, index))
        left.remove(chosen)
        insort(by_objective, chosen)
        order.append(chosen)
    return [point for index in order for point in equals[index]]


def _added(different: list[Point], taken: list[int], index: int) -> tuple[float, float]:
    """Return the area that a point of a front adds to those taken, and its objective for ties.

    Args:
        different: The front by falling objective, no two equal.
        taken: Ascending positions in it.
        index: The point's position in it.
    """
    place = bisect(taken, index)
    point = different[index]
    low_health = different[taken[place - 1]].health if place else 0.0
    low_objective = different[taken[place]].objective if place < len(taken) else 0.0
    return (point.objective - low_objective) * (point.health - low_health), point.objective
