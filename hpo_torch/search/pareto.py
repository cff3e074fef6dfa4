"""Objective and health side by side: dominance, the front, its hypervolume, picks, an order.

Both are 0..1, higher is better. A point dominates another one if it is at least as good in both and
better in one; points that are equal do not dominate each other.
"""

from __future__ import annotations

from bisect import bisect, insort
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
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
    for point in _by_objective(points):
        if not kept or point.health > kept[-1].health or point.equals(kept[-1]):
            kept.append(point)
    return kept


def fronts(points: Iterable[Point]) -> list[list[Point]]:
    """Sort points into the front, the front of the rest, and so on, each as `front` has it.

    All at once (Jensen 2003, "Reducing the run-time complexity of multiobjective EAs"): in order of
    the objective, a point belongs to the first front whose last point, the healthiest of those so
    far, is less healthy than it. Later fronts' last points are never healthier, so that the first
    is found by halving.

    >>> some = [Point(0, 0.9, 0.2), Point(1, 0.8, 0.1), Point(2, 0.5, 0.7), Point(3, 0.4, 0.1)]
    >>> [[p.trial for p in each] for each in fronts(some)]
    [[0, 2], [1], [3]]
    """
    found: list[list[Point]] = []
    illnesses: list[float] = []  # of each front's last point: its health, negated to be rising
    place = 0
    for point in _by_objective(points):
        # Equals come one after the other.
        if not (found and point.equals(found[place][-1])):
            place = bisect(illnesses, -point.health)
        if place == len(found):
            found.append([])
            illnesses.append(0.0)
        found[place].append(point)
        illnesses[place] = -point.health
    return found


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
    before = 0
    for each in fronts(points):
        if any(point.trial == trial for point in each):
            ranked = _spread_out(each)
            wanted = next(point for point in ranked if point.trial == trial)
            return before + next(n for n, point in enumerate(ranked) if point.equals(wanted))
        before += len(each)
    raise ValueError(f"expected trial {trial} among the points")


def _by_objective(points: Iterable[Point]) -> list[Point]:
    return sorted(points, key=lambda p: (-p.objective, -p.health, p.trial))


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
    by_objective, order = list[int](), list[int]()
    waiting = [_standing(different, by_objective, index) for index in range(len(different))]
    heapify(waiting)
    while waiting:
        index = waiting[0][-1]
        now = _standing(different, by_objective, index)
        if now != waiting[0]:
            # It adds less than when it was looked at, as others may, too; none adds more than then.
            heapreplace(waiting, now)
            continue
        heappop(waiting)
        insort(by_objective, index)
        order.append(index)
    return [point for index in order for point in equals[index]]


def _standing(different: list[Point], taken: list[int], index: int) -> tuple[float, float, int]:
    """Return what sorts a point of a front before those that add less, or have a worse objective.

    Args:
        different: The front by falling objective, no two equal.
        taken: Ascending positions in it.
        index: The point's position in it.
    """
    place = bisect(taken, index)
    point = different[index]
    low_health = different[taken[place - 1]].health if place else 0.0
    low_objective = different[taken[place]].objective if place < len(taken) else 0.0
    added = (point.objective - low_objective) * (point.health - low_health)
    return -added, -point.objective, index
