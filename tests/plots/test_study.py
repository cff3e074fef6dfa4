from __future__ import annotations

import pytest

from hpo_torch.plots.study import best_so_far, hyperparameter_importance, optimization_history


def test_best_so_far_counts_completed_trials_only(make_trial):
    trials = [
        make_trial(4, score=0.6),
        make_trial(0, "pruned", 0.9),
        make_trial(1, score=0.5),
        make_trial(2, "failed", None, epochs=0),
        make_trial(3, score=0.4),
    ]
    assert best_so_far(trials) == [(1, 0.5), (2, 0.5), (3, 0.5), (4, 0.6)]


def test_best_so_far_without_completed_trials_is_empty(make_trial):
    assert best_so_far([make_trial(0, "pruned", 0.9)]) == []


def test_optimization_history_marks_every_trial_by_its_state(twelve_trials):
    axes = optimization_history(twelve_trials, "val_accuracy").axes[0]
    points = {
        collection.get_label(): collection.get_offsets().tolist() for collection in axes.collections
    }
    completed = [[t.trial, t.score] for t in twelve_trials if t.state == "complete"]
    assert points == {
        "complete (8)": completed,
        "pruned (2)": [[3, 0.31], [8, 0.28]],
        "failed (1)": [[9, 0.0]],
        "failed, no score (1)": [[5, 0.0]],
    }
    # The trial without a score lies on the lower edge, in whatever range the scores are.
    unscored = axes.collections[-1]
    assert unscored.get_offset_transform() == axes.get_xaxis_transform()


def test_optimization_history_draws_the_best_so_far(twelve_trials):
    line = optimization_history(twelve_trials, "val_accuracy").axes[0].lines[0]
    # 0.50, 0.65, 0.80 of trials 0 to 2, then 0.83 of trial 7; by hand from twelve_trials.
    expected = [0.5, 0.65] + [0.8] * 5 + [0.83] * 5
    assert line.get_xdata().tolist() == list(range(12))
    assert line.get_ydata().tolist() == pytest.approx(expected)


def test_optimization_history_of_one_trial_names_it_in_whole_numbers(make_trial):
    figure = optimization_history([make_trial(0)], "val_accuracy")
    figure.draw_without_rendering()
    labels = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert "0" in labels
    assert not any("." in label for label in labels)


def test_hyperparameter_importance_has_the_most_important_on_top():
    figure = hyperparameter_importance({"batch_size": 0.2, "learning_rate": 0.7, "dropout": 0.1})
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    shares = [bar.get_width() for bar in axes.patches]
    assert names == ["dropout", "batch_size", "learning_rate"]
    assert shares == [0.1, 0.2, 0.7]
