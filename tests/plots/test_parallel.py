from __future__ import annotations

import math

import pytest
from synthetic_study import bare_trial

from hpo_torch.plots.parallel import parallel_coordinates
from hpo_torch.results.searched import Searched

TRIALS = [
    bare_trial(0, score=0.9),
    bare_trial(1, score=0.5),
    bare_trial(2, "pruned", 0.2),
    bare_trial(3, "failed", 0.0),
]
RATE = Searched("learning_rate", {0: 1e-2, 1: 1e-4, 2: 1e-3, 3: 1e-3}, log=True)
MOMENTUM = Searched("momentum", {1: 0.8, 2: 0.9})


def heights(collection):
    return [[round(float(y), 6) for _, y in path.vertices] for path in collection.get_paths()]


def test_trials_are_lines_from_the_worst_to_the_best_and_pruned_ones_apart():
    axes = parallel_coordinates(TRIALS, [RATE, MOMENTUM], "val_accuracy", winner=0).axes[0]
    pruned, completed, *_ = axes.collections
    assert heights(pruned) == [[0.5, 1.0]]
    # Trial 1, then the better trial 0, which has no momentum: it passes below that axis.
    assert heights(completed) == [[0.0, 0.0], [1.0, -0.2]]
    assert list(completed.get_array()) == [0.5, 0.9]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["does not\napply"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["learning_rate", "momentum"]


def test_the_winner_is_thick_and_on_top():
    axes = parallel_coordinates(TRIALS, [RATE, MOMENTUM], "val_accuracy", winner=0).axes[0]
    (winner,) = [line for line in axes.lines if line.get_label() == "winner: trial 0 (0.9)"]
    assert list(winner.get_ydata()) == pytest.approx([1.0, -0.2])
    assert winner.get_linewidth() > 1.5 * axes.collections[1].get_linewidth()[0]
    assert winner.get_zorder() > max(each.get_zorder() for each in axes.collections)


def test_where_every_trial_has_everything_nothing_is_said_of_absence():
    axes = parallel_coordinates(TRIALS, [RATE], "val_accuracy").axes[0]
    assert axes.get_yticklabels() == []
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["pruned (1)"]


def test_many_hyperparameters_take_rows_of_the_same_trials():
    many = [Searched(f"h{index}", {0: 0.1, 1: 0.2, 2: 0.3}) for index in range(23)]
    figure = parallel_coordinates(TRIALS[:2], many, "val_accuracy", winner=0)
    rows = [len(axes.get_xticklabels()) for axes in figure.axes[:3]]
    assert rows == [8, 8, 7]
    assert [len(axes.collections[0].get_paths()) for axes in figure.axes[:3]] == [2, 2, 2]


@pytest.mark.parametrize("log", [False, True])
def test_values_one_rounding_apart_pass_through_the_middle_of_their_axis(log):
    rate = Searched("learning_rate", {0: 1e-4, 1: math.nextafter(1e-4, 1.0)}, log=log)
    axes = parallel_coordinates(TRIALS[:2], [rate], "val_accuracy").axes[0]
    assert heights(axes.collections[0]) == [[0.5], [0.5]]
