from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_study import bare_trial

from hpo_torch.plots.contour import contour, nearby_mean
from hpo_torch.results.searched import Searched

# A square with trials on its border and in its middle.
SQUARE = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2), (0, 2), (2, 0), (4, 2)]


def drawn(places, **changes):
    trials = [bare_trial(number, score=0.1 * (x + y)) for number, (x, y) in enumerate(places)]
    across = Searched("across", {number: float(x) for number, (x, _) in enumerate(places)})
    up = Searched("up", {number: float(y) for number, (_, y) in enumerate(places)})
    return contour(trials, (across, up), "val_accuracy", **changes)


def field_of(figure):
    return [each for each in figure.axes[0].collections if hasattr(each, "levels")]


def test_eight_completed_trials_have_a_field_inside_of_their_hull():
    figure = drawn([*SQUARE, (0, 3)], winner=3)
    (field,) = field_of(figure)
    corners = field.get_clip_path().get_fully_transformed_path().vertices
    to_data = figure.axes[0].transData.inverted()
    hull = {tuple(np.round(to_data.transform(corner)).astype(int)) for corner in corners}
    assert {(0, 0), (0, 4), (4, 0), (4, 4)} <= hull
    assert (2, 2) not in hull
    assert figure.axes[0].get_title(loc="left") == "Score over across and up: mean of trials nearby"


def test_seven_completed_trials_are_points_only():
    figure = drawn(SQUARE[:7])
    assert field_of(figure) == []
    assert figure.axes[0].get_title(loc="left") == "Score over across and up"


@pytest.mark.parametrize("places", [[(x, x) for x in range(9)], [(x % 2, x % 2) for x in range(9)]])
def test_trials_on_one_line_have_no_field(places):
    assert field_of(drawn(places)) == []


@pytest.mark.parametrize("rounded", [0.9, math.nextafter(0.9, 1.0)])
def test_scores_that_are_equal_up_to_rounding_have_no_field(rounded):
    trials = [bare_trial(number, score=rounded if number else 0.9) for number in range(8)]
    across = Searched("across", {number: float(x) for number, (x, _) in enumerate(SQUARE)})
    up = Searched("up", {number: float(y) for number, (_, y) in enumerate(SQUARE)})
    figure = contour(trials, (across, up), "val_accuracy")
    assert field_of(figure) == []
    figure.draw_without_rendering()


def test_a_field_is_drawn_where_all_but_one_score_are_equal_up_to_rounding():
    scores = [0.1, *[0.9] * 6, math.nextafter(0.9, 1.0)]
    trials = [bare_trial(number, score=score) for number, score in enumerate(scores)]
    across = Searched("across", {number: float(x) for number, (x, _) in enumerate(SQUARE)})
    up = Searched("up", {number: float(y) for number, (_, y) in enumerate(SQUARE)})
    assert len(field_of(contour(trials, (across, up), "val_accuracy"))) == 1


def test_trials_without_one_of_the_two_are_left_out():
    trials = [bare_trial(0), bare_trial(1, "pruned", 0.2), bare_trial(2), bare_trial(3, "failed")]
    across = Searched("across", {0: 0.1, 1: 0.2, 3: 0.3})
    up = Searched("up", {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0})
    axes = contour(trials, (across, up), "val_accuracy", winner=2).axes[0]
    shown = {each.get_label(): each.get_offsets().tolist() for each in axes.collections}
    assert shown == {
        "pruned (1)": [[0.2, 2.0]],
        "failed (1)": [[0.3, 4.0]],
        "complete (1)": [[0.1, 1.0]],
    }


def test_nearby_mean_is_the_kernel_weighted_mean():
    points = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0], [1.0, -2.0]])
    scores = np.array([0.0, 1.0, 0.0, 1.0])
    # Deviations with n - 1: sqrt(2/3) and sqrt(8/3); in units of width, 4^(-1/6) of these, both
    # pairs are equally far from the middle. All four weigh the same there.
    assert nearby_mean(points, scores, np.array([[1.0, 0.0]])) == pytest.approx([0.5])
    # At the first point itself: squared distances 0, then (1/a)^2 + (2/b)^2 twice, then (2/a)^2.
    shrink = 4 ** (-1 / 3)
    a, b = 2 / 3 * shrink, 8 / 3 * shrink
    near, far = np.exp(-0.5 * (1 / a + 4 / b)), np.exp(-0.5 * 4 / a)
    expected = 2 * near / (1 + 2 * near + far)
    assert nearby_mean(points, scores, np.array([[0.0, 0.0]])) == pytest.approx([expected])


def test_nearby_mean_is_known_far_from_all_points():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    means = nearby_mean(points, np.array([0.2, 0.4, 0.6]), np.array([[1e4, 0.0], [0.0, 1e4]]))
    assert means == pytest.approx([0.4, 0.6])
