from __future__ import annotations

import json
import math

import pytest
from time_to_target import Bounds, Course, least, median, targets_between, with_each


def exact(*values):
    return [Bounds.exactly(value) for value in values]


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Bounds.exactly(12.345), "12.35"),
        (Bounds.above(600), ">600.00"),
        (Bounds(0, 0.8), "<0.80"),
        (Bounds(1.2, 1.5), "1.20 - 1.50"),
        (Bounds(0, math.inf), "-"),
    ],
)
def test_bounds_are_written_as_what_is_known(bounds, text):
    assert bounds.text(2) == text


def test_a_ratio_is_as_certain_as_both_numbers():
    ours, late = Bounds.exactly(20.0), Bounds.above(100.0)
    assert Bounds.exactly(50.0) / ours == Bounds.exactly(2.5)
    assert late / ours == Bounds.above(5.0)  # theirs took more than 100
    assert Bounds.exactly(50.0) / late == Bounds(0.0, 0.5)  # ours did
    assert late / late == Bounds(0.0, math.inf)


def test_a_median_is_known_where_what_is_not_lies_to_one_side():
    assert median([*exact(10, 30), Bounds.above(100)]) == Bounds.exactly(30)
    assert median([*exact(10), Bounds.above(100), Bounds.above(100)]) == Bounds.above(100)
    assert median([*exact(1, 3), Bounds(0, 0.5), Bounds.above(2)]) == Bounds(1.5, 2.0 + 0.0)
    assert median([*exact(1, 3, 2), Bounds(0, math.inf)]) == Bounds(1.5, 2.5)


def test_the_least_is_no_more_than_any():
    assert least([Bounds.above(1.5), Bounds.exactly(2.0)]) == Bounds(1.5, 2.0)
    assert least(exact(3.0, 2.0)) == Bounds.exactly(2.0)


def test_json_has_no_infinity():
    assert json.dumps(Bounds.above(5.0).as_json(), allow_nan=False) == "[5.0, null]"
    assert Bounds.exactly(2.0).as_json() == [2.0, 2.0]


def test_a_course_has_the_rises_only_in_order_of_time():
    course = Course.of([(30.0, 0.8), (10.0, 0.5), (20.0, 0.5), (25.0, 0.4), (40.0, 0.9)])
    assert course.steps == ((10.0, 0.5), (30.0, 0.8), (40.0, 0.9))
    assert course.best == 0.9
    assert course.reached(0.5) == 10.0
    assert course.reached(0.51) == 30.0
    assert course.time_to(0.9, 60) == Bounds.exactly(40.0)
    assert course.time_to(0.91, 60) == Bounds.above(60)


def test_a_course_without_epochs_reaches_nothing():
    assert Course().best == 0.0
    assert Course.of([]).time_to(0.1, 60) == Bounds.above(60)


def test_targets_lie_evenly_and_end_at_the_best():
    assert targets_between(0.8, 0.9, 4) == pytest.approx([0.825, 0.85, 0.875, 0.9])
    assert targets_between(0.8, 0.9, 4)[-1] == 0.9  # exactly: whoever has the best reached it
    assert targets_between(0.9, 0.9, 4) == []


def test_a_cell_has_the_median_and_each():
    assert with_each([*exact(10.4, 30), Bounds.above(100)], 0) == "30 (10, 30, >100)"
    assert with_each([], 0) == "-"
