from __future__ import annotations

from synthetic_study import bare_trial

from hpo_torch.plots.slices import slices
from hpo_torch.results.searched import Searched

TRIALS = [
    bare_trial(0, score=0.9),
    bare_trial(1, score=0.5),
    bare_trial(2, "pruned", 0.2),
    bare_trial(3, "failed", 0.0),
    bare_trial(4, "failed", None),
    bare_trial(5, "pruned", None),
]
DROPOUT = Searched("dropout", {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4, 4: 0.5, 5: 0.6}, importance=0.25)
MOMENTUM = Searched("momentum", {1: 0.8, 2: 0.9})


def points(axes):
    return {
        each.get_label(): [tuple(pair) for pair in each.get_offsets().tolist()]
        for each in axes.collections
    }


def test_a_panel_shows_states_apart_and_failed_trials_on_the_lower_edge():
    (axes,) = slices(TRIALS, [DROPOUT], "val_accuracy", winner=0).axes
    assert points(axes) == {
        "complete": [(0.1, 0.9), (0.2, 0.5)],
        "pruned": [(0.3, 0.2)],
        "failed, on the lower edge": [(0.4, 0.0), (0.5, 0.0)],
        "winner: trial 0": [(0.1, 0.9)],
    }
    failed = axes.collections[2]
    assert failed.get_offset_transform() == axes.get_xaxis_transform()
    assert (axes.get_title(loc="left"), axes.get_xlabel()) == ("dropout", "importance 0.25")


def test_a_hyperparameter_of_some_trials_says_of_how_many():
    axes = slices(TRIALS, [DROPOUT, MOMENTUM], "val_accuracy", winner=0).axes[1]
    assert points(axes) == {"complete": [(0.8, 0.5)], "pruned": [(0.9, 0.2)]}
    assert axes.get_xlabel() == "in 2 of 6 trials"


def test_options_are_names_and_their_trials_are_spread():
    trials = [bare_trial(number, score=0.5) for number in range(4)]
    optimizer = Searched("optimizer", dict(enumerate(["sgd", "adam"] * 2)), options=("adam", "sgd"))
    (axes,) = slices(trials, [optimizer], "val_accuracy").axes
    places = [x for x, _ in points(axes)["complete"]]
    assert [round(place) for place in places] == [1, 0, 1, 0]
    assert len(set(places)) == 4
    assert [label.get_text() for label in axes.get_xticklabels()] == ["adam", "sgd"]


def test_the_eight_first_hyperparameters_are_shown():
    many = [Searched(f"h{index}", {0: 0.1, 1: 0.2}) for index in range(11)]
    figure = slices(TRIALS[:2], many, "val_accuracy")
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.axison]
    assert shown == [f"h{index}" for index in range(8)]


def test_without_any_score_the_axis_says_so():
    figure = slices(TRIALS[3:5], [DROPOUT], "val_accuracy")
    assert figure.get_supylabel() == "no trial has a score"
    assert list(figure.axes[0].get_yticks()) == []
