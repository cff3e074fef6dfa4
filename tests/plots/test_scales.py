from __future__ import annotations

import math

import pytest

from hpo_torch.plots.scales import Scale, dress_x
from hpo_torch.plots.style import new_figure
from hpo_torch.results.searched import Searched


def scale(*values, **facts):
    return Scale.of(Searched("name", dict(enumerate(values)), **facts))


def test_a_range_stands_as_it_is_and_a_logarithm_by_its_exponent():
    assert [scale(0.0, 2.0).position(value) for value in (0.0, 0.5)] == [0.0, 0.5]
    log = scale(1e-4, 1e-2, log=True)
    assert [log.position(1e-3), log.share(1e-3)] == pytest.approx([-3.0, 0.5])


def test_options_stand_side_by_side_whatever_their_numbers():
    filters = scale(16, 256, 64, options=(16, 64, 256))
    assert [filters.share(value) for value in (16, 64, 256)] == [0.0, 0.5, 1.0]
    assert filters.ticks() == [(0, "16"), (1, "64"), (2, "256")]


@pytest.mark.parametrize(
    ("made", "labels"),
    [
        (scale(1e-4, 3e-2, log=True), ["1e-4", "0.001", "0.01"]),
        (scale(1e-6, 1e-2, log=True), ["1e-6", "1e-5", "1e-4", "0.001", "0.01"]),
        (scale(1e-9, 1.0, log=True), ["1e-9", "1e-7", "1e-5", "0.001", "0.1"]),
        (scale(0.0012, 0.0097, log=True), ["0.002", "0.004", "0.006", "0.008"]),
        (scale(0.01234, 0.01235, log=True), ["0.01234", "0.01235"]),
        (scale(1, 4, whole=True), ["1", "2", "3", "4"]),
        (scale(1, 2, whole=True), ["1", "2"]),
        (scale(5, 20, whole=True), ["5", "10", "15", "20"]),
        (scale(False, True, options=(False, True)), ["no", "yes"]),
        (scale("a", "b" * 40, options=("a", "b" * 40)), ["a", "b" * 7 + "…" + "b" * 6]),
    ],
)
def test_ticks_are_few_and_short(made, labels):
    assert [label for _, label in made.ticks()] == labels
    assert all(made.low - 1e-9 <= place <= made.high + 1e-9 for place, _ in made.ticks())


@pytest.mark.parametrize(
    ("value", "facts", "middle"),
    [
        (1e-4, {"log": True}, -4.0),
        (1.0, {"log": True}, 0.0),
        (0.3, {}, 0.3),
        (-2.0, {}, -2.0),
    ],
)
def test_values_that_differ_by_rounding_stand_in_the_middle(value, facts, middle):
    made = scale(value, math.nextafter(value, 1.0), **facts)
    assert made.low < middle < made.high
    assert made.share(value) == pytest.approx(0.5)
    assert made.share(math.nextafter(value, 1.0)) == pytest.approx(0.5)
    assert all(0 <= made.share(10**at if facts else at) <= 1 for at, _ in made.ticks())
    dress_x(new_figure(2, 1).add_subplot(), made)


def test_small_and_close_values_keep_their_range():
    tiny = scale(1e-12, 2e-12)
    assert (tiny.low, tiny.high) == (1e-12, 2e-12)


def test_equal_values_are_spread_but_not_up_to_their_neighbours():
    few = scale(1, 4, whole=True)
    shifts = [few.shift(trial) for trial in range(1000)]
    assert max(map(abs, shifts)) <= 0.2
    assert len({round(shift, 4) for shift in shifts}) > 900
    assert abs(sum(shifts)) < 1  # around the value itself
    assert few.shift(0) == 0.0
    assert scale(0.1, 0.5).shift(3) == scale(1e-4, 1e-2, log=True).shift(3) == 0.0
    assert scale(1, 300, whole=True).shift(3) == 0.0


def test_long_labels_are_turned():
    axes = new_figure(3, 3).add_subplot()
    dress_x(axes, scale("a" * 14, "b" * 14, options=("a" * 14, "b" * 14)))
    assert [label.get_rotation() for label in axes.get_xticklabels()] == [30, 30]
    assert axes.get_xlim() == (-0.5, 1.5)
