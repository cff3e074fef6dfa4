"""Front, hypervolume, picks and order, by hand and against definitions written out."""

from __future__ import annotations

import random
import sys

import pytest

from hpo_torch.search.pareto import (
    Point,
    best_objective,
    front,
    fronts,
    healthiest_within,
    hypervolume,
    place_of,
)


def points(*pairs):
    return [Point(number, *pair) for number, pair in enumerate(pairs)]


def numbers(some):
    return [point.trial for point in some]


def dominates(one, other):
    at_least = one.objective >= other.objective and one.health >= other.health
    return at_least and (one.objective > other.objective or one.health > other.health)


def random_points(seed):
    """Coarse values, so that there are ties and equal points."""
    rng = random.Random(seed)
    count = rng.randrange(1, 25)
    return points(*((rng.randrange(8) / 8, rng.randrange(8) / 8) for _ in range(count)))


@pytest.mark.parametrize("seed", range(40))
def test_front_is_what_nobody_dominates(seed):
    some = random_points(seed)
    expected = {p.trial for p in some if not any(dominates(q, p) for q in some)}
    assert set(numbers(front(some))) == expected
    objectives = [p.objective for p in front(some)]
    assert objectives == sorted(objectives, reverse=True)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("reference", [(0.0, 0.0), (0.25, 0.0), (0.5, 0.375)])
def test_hypervolume_is_the_share_of_cells_that_a_point_reaches(seed, reference):
    some = random_points(seed)
    # Coordinates are eighths, so that the cells of that grid are reached as a whole or not at all.
    cells = [(column / 8, row / 8) for column in range(8) for row in range(8)]
    reached = sum(
        low_o >= reference[0]
        and low_h >= reference[1]
        and any(p.objective > low_o and p.health > low_h for p in some)
        for low_o, low_h in cells
    )
    assert hypervolume(some, reference) == pytest.approx(reached / 64)


def test_without_points_there_is_nothing():
    assert front([]) == []
    assert hypervolume([], (0.0, 0.0)) == 0.0
    assert healthiest_within([], 0.1) is None
    assert best_objective([]) is None


@pytest.mark.parametrize(
    ("delta", "trial"),
    [
        (0.0, 1),  # equal to the best, and healthier than it
        (0.01, 2),
        (0.05, 3),  # 0.54 - 0.05 is 0.4900...05 in floats: the edge belongs to it
        (0.2, 4),  # of two equally healthy ones the better objective
    ],
)
def test_healthiest_within_delta(delta, trial):
    some = points((0.54, 0.1), (0.54, 0.2), (0.53, 0.3), (0.49, 0.4), (0.45, 0.9), (0.40, 0.9))
    assert healthiest_within(some, delta).trial == trial


def test_of_equal_points_the_lower_number_is_picked():
    some = points((0.5, 0.5), (0.5, 0.5))[::-1]
    assert healthiest_within(some, 0.1).trial == best_objective(some).trial == 0


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("delta", [0.0, 0.125, 0.5, 1.0])
def test_picks_are_on_the_front(seed, delta):
    some = random_points(seed)
    assert healthiest_within(some, delta).trial in numbers(front(some))
    assert best_objective(some).trial in numbers(front(some))


def test_place_by_front_and_by_what_a_point_adds():
    """First front: 0 (0.9, 0.1), 1 (0.8, 0.6), 2 (0.3, 0.9), 3 (0.83, 0.5).

    Alone they cover 0.09, 0.48, 0.27 and 0.415: 1 is first. Then 0 adds (0.9 - 0.8) 0.1 = 0.01, 2
    adds 0.3 (0.9 - 0.6) = 0.09, and 3 adds (0.83 - 0.8) 0.5 = 0.015: 2 is second, 3 third (0 still
    adds 0.01 at most). Of the second front, 4 (0.7, 0.5) covers 0.35 and 5 (0.2, 0.8) 0.16.
    """
    some = points((0.9, 0.1), (0.8, 0.6), (0.3, 0.9), (0.83, 0.5), (0.7, 0.5), (0.2, 0.8))
    assert [place_of(some, trial) for trial in (1, 2, 3, 0, 4, 5)] == [0, 1, 2, 3, 4, 5]


def test_equal_points_share_the_better_place():
    some = points((0.5, 0.5), (0.5, 0.5), (0.4, 0.4), (0.4, 0.4), (0.3, 0.3))
    assert [place_of(some, trial) for trial in range(5)] == [0, 0, 2, 2, 4]


@pytest.mark.parametrize("seed", range(20))
def test_where_all_are_equally_healthy_the_objective_decides(seed):
    for health in (0.0, 0.7):
        some = [Point(p.trial, p.objective, health) for p in random_points(seed)]
        for point in some:
            better = sum(other.objective > point.objective for other in some)
            assert place_of(some, point.trial) == better


@pytest.mark.parametrize("seed", range(20))
def test_who_dominates_stands_before(seed):
    some = random_points(seed)
    for one in some:
        for other in some:
            if dominates(one, other):
                assert place_of(some, one.trial) < place_of(some, other.trial)


def test_place_of_nobody_is_an_error():
    with pytest.raises(ValueError, match="expected trial 7 among the points"):
        place_of(points((0.5, 0.5)), 7)


@pytest.mark.parametrize("seed", range(40))
def test_fronts_are_what_is_left_front_by_front(seed):
    some = left = random_points(seed)
    peeled = []
    while left:
        peeled.append(numbers(front(left)))
        left = [point for point in left if point.trial not in peeled[-1]]
    assert [numbers(each) for each in fronts(some)] == peeled
    assert fronts([]) == []


def greedy_order(first):
    """Order a front as the docstring of `place_of` says, by hypervolumes from scratch."""
    left, taken = list(first), []
    while left:
        best = max(left, key=lambda p: (hypervolume([*taken, p], (0.0, 0.0)), p.objective))
        taken.append(best)
        left.remove(best)
    return taken


@pytest.mark.parametrize("seed", range(40))
def test_places_on_a_front_are_those_of_greedy_selection(seed):
    rng = random.Random(seed)
    rising = sorted(rng.sample(range(1, 200), 12))
    falling = sorted(rng.sample(range(1, 200), 12), reverse=True)
    some = points(*((a / 256, b / 256) for a, b in zip(rising, falling, strict=True)))
    rng.shuffle(some)
    assert len(front(some)) == 12
    # Values are multiples of 1/256: areas, and their sums, are exact.
    expected = [point.trial for point in greedy_order(some)]
    assert sorted(range(12), key=lambda trial: place_of(some, trial)) == expected


def work(count):
    """Return the Python calls for the place of the last of so many points, on many fronts."""
    rng = random.Random(count)
    some = points(*((rng.random(), rng.random()) for _ in range(count)), (0.0, 0.0))
    calls = 0

    def note(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        place_of(some, count)
    finally:
        sys.setprofile(before)
    return calls


def test_a_place_takes_calls_in_proportion_to_points():
    first, second, third = work(500), work(1000), work(2000)
    assert third - second < 2.3 * (second - first)
