from __future__ import annotations

import math

import pytest

from hpo_torch.plots.training import learning_curves


def panels(trial):
    """Each panel of a trial's curves by its title's first word."""
    return {axes.get_title(loc="left").split()[0]: axes for axes in learning_curves(trial).axes}


def line_of(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return list(line.get_ydata())


def test_learning_curves_draw_what_was_recorded(make_trial):
    trial = make_trial(0)
    drawn = panels(trial)
    assert line_of(drawn["Loss"], "training") == [epoch.train_loss for epoch in trial.epochs]
    assert line_of(drawn["Loss"], "validation") == [epoch.val_loss for epoch in trial.epochs]
    accuracies = [100 * epoch.val_accuracy for epoch in trial.epochs]
    assert line_of(drawn["Accuracy"], "validation") == pytest.approx(accuracies)


def test_overfitting_gap_is_training_minus_validation_in_points(make_trial):
    trial = make_trial(0)
    gap = panels(trial)["Overfitting"].lines[1]
    # Epoch 1: 1 - 0.9 * 0.8 = 0.28 trained, 0.93 - 0.83 * 0.78 = 0.2826 validated.
    assert gap.get_ydata()[0] == pytest.approx(-0.26)
    assert list(gap.get_xdata()) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_kept_epoch_is_marked_in_every_panel(make_trial):
    for axes in panels(make_trial(0)).values():
        assert line_of(axes, "kept epoch") is not None
        (line,) = [line for line in axes.lines if line.get_label() == "kept epoch"]
        assert list(line.get_xdata()) == [6, 6]


def test_no_epoch_is_marked_where_none_was_kept(make_trial):
    trial = make_trial(0).model_copy(update={"kept_epoch": None})
    labels = [line.get_label() for axes in panels(trial).values() for line in axes.lines]
    assert "kept epoch" not in labels


def test_losses_that_are_not_finite_are_told_in_the_title(twelve_trials):
    figure = learning_curves(twelve_trials[9])
    title = figure.axes[0].get_title(loc="left")
    assert title == "Loss (not finite in 3 of 4 epochs, first in 2)"
    figure.draw_without_rendering()  # and they can be drawn without a warning


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (0.001, "log"), (0.0, "linear")])
def test_loss_is_logarithmic_only_over_a_wide_positive_range(make_trial, last, scale):
    trial = make_trial(0)
    epochs = [*trial.epochs[:-1], trial.epochs[-1].model_copy(update={"val_loss": last})]
    drawn = panels(trial.model_copy(update={"epochs": epochs}))
    assert drawn["Loss"].get_yscale() == scale


def test_learning_curves_of_one_epoch_show_its_point(make_trial):
    drawn = panels(make_trial(0, epochs=1))
    (loss,) = line_of(drawn["Loss"], "training")
    assert math.isclose(loss, 2.3 * 0.8)
    assert drawn["Loss"].lines[0].get_marker() == "."


def test_title_of_the_gap_tells_how_large_it_became(make_trial):
    figure = learning_curves(make_trial(0))
    # Kept is epoch 6: 100 (1 - 0.9 * 0.8**6) - 100 (0.93 - 0.83 * 0.78**6) = 2.1; last 3.3.
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "Overfitting gap (+2.1 kept, +3.3 last)" in titles
