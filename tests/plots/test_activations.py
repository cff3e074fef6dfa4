from __future__ import annotations

from synthetic_study import bare_trial

from hpo_torch.plots.activations import activations
from hpo_torch.results.searched import Searched

SCORES = [0.9, 0.5, 0.6, 0.8]
TRIALS = [
    *(bare_trial(number, score=score) for number, score in enumerate(SCORES)),
    bare_trial(4, "pruned", 0.2),
    bare_trial(5, "failed", 0.0),
]
USED = dict(enumerate(["relu", "swish", "relu", "relu", "swish", "tanh"]))
ACTIVATION = Searched("activation", USED, options=("relu", "swish", "tanh"))


def test_each_activation_has_its_trials_median_and_counts():
    (axes,) = activations(TRIALS, [ACTIVATION], "val_accuracy").axes
    medians = [
        (sum(line.get_xdata()) / 2, line.get_ydata()[0])
        for line in axes.lines
        if line.get_label() == "median"
    ]
    # relu: 0.6, 0.8, 0.9; of swish only one completed, and of tanh none.
    assert medians == [(0.0, 0.8), (1.0, 0.5)]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "relu\n3 complete",
        "swish\n1 complete\n1 pruned",
        "tanh\n1 failed",
    ]


def test_points_stay_in_their_activation_s_column():
    (axes,) = activations(TRIALS, [ACTIVATION], "val_accuracy").axes
    shown = [
        (each.get_label(), round(float(x)), float(y))
        for each in axes.collections
        for x, y in each.get_offsets()
    ]
    assert sorted(shown) == [
        ("complete", 0, 0.6),
        ("complete", 0, 0.8),
        ("complete", 0, 0.9),
        ("complete", 1, 0.5),
        ("pruned", 1, 0.2),
    ]


def test_each_hyperparameter_has_a_panel_and_one_legend_serves_all():
    hidden = Searched("hidden_activation", dict(enumerate(["relu", "elu"] * 3)), ("elu", "relu"))
    figure = activations(TRIALS, [ACTIVATION, hidden], "val_accuracy")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["activation", "hidden_activation"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["complete", "median", "pruned"]
