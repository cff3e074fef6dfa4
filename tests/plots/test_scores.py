from __future__ import annotations

import math

import pytest
from synthetic_study import bare_trial

from hpo_torch.plots.scores import ScoreColours, mark_area, scored
from hpo_torch.plots.style import Look, dressed


def test_scored_are_of_one_state_and_the_best_comes_last():
    trials = [
        bare_trial(0, score=0.5),
        bare_trial(1, score=0.9),
        bare_trial(2, "pruned", 0.1),
        bare_trial(3, "failed", None),
        bare_trial(4, score=0.9),
    ]
    assert [(t.trial, score) for t, score in scored(trials, "complete")] == [
        (0, 0.5),
        (4, 0.9),
        (1, 0.9),  # of equals, the first is the better
    ]
    assert scored(trials, "failed") == []


def test_colours_begin_at_tukeys_fence_where_a_score_is_below_it():
    # Quartiles of 0.1, 0.8, 0.82, 0.84, 0.9 are 0.8 and 0.84: the fence is 0.8 - 1.5 * 0.04.
    colours = ScoreColours.of([0.8, 0.1, 0.84, 0.82, 0.9])
    assert (colours.low, colours.high) == pytest.approx((0.74, 0.9))
    assert colours.extend == "min"
    assert colours.norm(0.1) == 0.0


@pytest.mark.parametrize("scores", [[0.3, 0.5], [0.1, 0.2, 0.3, 0.4]])
def test_colours_span_all_scores_where_none_is_far_off(scores):
    colours = ScoreColours.of(scores)
    assert (colours.low, colours.high, colours.extend) == (scores[0], scores[-1], "neither")


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [0.5, math.nextafter(0.5, 1.0)]])
def test_equal_scores_have_a_range_around_them(scores):
    colours = ScoreColours.of(scores)
    assert (colours.low, colours.high) == pytest.approx((0.49, 0.51))
    assert colours.extend == "neither"


@pytest.mark.parametrize("dark", [False, True])
def test_the_best_colour_stands_out_from_the_ground_most(dark):
    def lightness(place):
        red, green, blue, _ = colours(place)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    with dressed(Look(dark=dark)):
        colours = ScoreColours.of([0.0, 1.0]).colours
    assert (lightness(1.0) > lightness(0.5) > lightness(0.0)) == dark


def test_marks_shrink_with_their_number_down_to_a_visible_size():
    assert [mark_area(count) for count in (0, 100, 200, 1000, 100_000)] == [40, 40, 20, 8, 8]
