from __future__ import annotations

from hpo_torch.plots.study_health import metric_ranges
from hpo_torch.results.health_metrics import MetricFigures
from hpo_torch.results.health_report import StudyHealth


def figures(name, low=None, high=None, **changes):
    known = low is not None
    values = {
        "name": name,
        "weight": 0.0,
        "measured": 3 if known else 0,
        "not_measured": {} if known else {"too few steps": 3},
        "low": low,
        "high": high,
        "mean": (low + high) / 2 if known else None,
        "deviation": 0.1 if known else None,
        "tau": 0.5 if known and low < high else None,
    }
    return MetricFigures(**{**values, **changes})


def test_ranges_say_what_varied_and_what_was_never_measured():
    metrics = [figures("tracked"), figures("same", 1.0, 1.0), figures("a", 0.2, 0.6, weight=0.3)]
    report = StudyHealth(
        run="r", mode="health", objective="val_accuracy", completed=3, health_weight=0.3,
        influence=None, influence_near_best=None, comparison=None, metrics=metrics,
        health_seconds=1.0, training_seconds=9.0, alerts=[],
    )  # fmt: skip
    (axes,) = metric_ranges(report).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "tracked", "same"]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["tau with accuracy +0.50", "never measured: too few steps", "never varied"]
    ranges = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) > 1]
    assert ranges == [[0.2, 0.6], [1.0, 1.0]]
