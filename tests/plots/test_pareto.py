from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.pareto import pareto_front
from hpo_torch.search.pareto import Point

COMPLETED = [
    Point(0, 0.90, 0.2),  # the best objective
    Point(1, 0.89, 0.5),
    Point(2, 0.60, 0.9),
    Point(3, 0.88, 0.4),  # dominated by 1
]
PRUNED = [Point(4, 0.3, 0.3)]
NAMED = {"healthiest within delta": 1, "best val_accuracy": 0}


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def drawn(figure, label):
    """Positions of the markers with this label."""
    (found,) = [c for c in figure.axes[0].collections if c.get_label() == label]
    return [tuple(pair) for pair in np.asarray(found.get_offsets())]


def test_front_dominated_pruned_and_picks_are_told_apart():
    figure = pareto_front(COMPLETED, PRUNED, "val_accuracy", named=NAMED, delta=0.01)
    assert labels(figure) == [
        "within 0.01 of the best",
        "pruned, when it was (1)",
        "completed, dominated (1)",
        "on the front (3)",
        "healthiest within delta: trial 1",
        "best val_accuracy: trial 0",
    ]
    assert drawn(figure, "on the front (3)") == [(0.9, 0.2), (0.89, 0.5), (0.6, 0.9)]
    assert drawn(figure, "completed, dominated (1)") == [(0.88, 0.4)]
    assert drawn(figure, "healthiest within delta: trial 1") == [(0.89, 0.5)]


def test_band_reaches_from_delta_below_the_best_to_the_best():
    (band,) = pareto_front(COMPLETED, [], "val_accuracy", named={}, delta=0.25).axes[0].patches
    assert band.get_x() == pytest.approx(0.65)
    assert band.get_x() + band.get_width() == pytest.approx(0.9)


def test_steps_bound_what_some_trial_reaches():
    (line,) = pareto_front(COMPLETED, [], "val_accuracy", named={}).axes[0].lines
    assert line.get_drawstyle() == "steps-pre"  # up to 0.60 health 0.9 is reached, then 0.5
    assert list(line.get_xdata()) == [0.60, 0.89, 0.90]
    assert list(line.get_ydata()) == [0.9, 0.5, 0.2]


def test_without_delta_there_is_no_band():
    figure = pareto_front(COMPLETED[:1], [], "accuracy", named={"winner": 0})
    assert labels(figure) == ["on the front (1)", "winner: trial 0"]
    assert not figure.axes[0].patches
