from __future__ import annotations

from hpo_torch.plots.run_comparison import in_two_lines, run_comparison
from hpo_torch.plots.style import save
from hpo_torch.results.run_comparison import ComparedRun
from hpo_torch.results.score_progress import ScorePoint

PROGRESS = [(1, 10.0, 0.5), (2, 30.0, 0.5), (3, 35.0, 0.7)]


def made(run="a", **changes):
    values = {
        "run": run,
        "path": run,
        "dataset": "digits",
        "own_data": {},
        "mode": "health",
        "objective": "val_accuracy",
        "health_weight": 0.3,
        "finished": True,
        "counts": {"complete": 3, "pruned": 0, "failed": 0},
        "score": 0.7,
        "val_accuracy": 0.92,
        "test_accuracy": 0.9,
        "test_interval": (0.88, 0.92),
        "overall_health": 0.6,
        "parameters": 10,
        "seconds": 40.0,
        "progress": [
            ScorePoint(ended=ended, seconds=seconds, best=best) for ended, seconds, best in PROGRESS
        ],
    }
    return ComparedRun(**(values | changes))


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_progress_is_drawn_against_trials_and_against_time():
    by_trials, by_time, *_ = run_comparison([made()]).axes
    (line,) = by_trials.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([1, 2, 3], [0.5, 0.5, 0.7])
    assert list(by_time.lines[0].get_xdata()) == [10.0, 30.0, 35.0]


def test_interval_and_health_stand_beside_each_run():
    _, _, accuracy, health = run_comparison([made("a"), made("b", test_accuracy=0.8)]).axes
    assert [list(line.get_xdata()) for line in accuracy.lines[:2]] == [[0.88, 0.92]] * 2
    assert texts(accuracy) == ["0.9000", "0.8000"]
    assert texts(health) == ["0.600", "0.600"]
    assert [label.get_text() for label in accuracy.get_yticklabels()] == ["a", "b"]


def test_what_is_not_known_is_said_and_not_drawn(tmp_path):
    nothing = made(
        "empty", progress=[], score=None, val_accuracy=None, test_accuracy=None,
        test_interval=None, overall_health=None,
    )  # fmt: skip
    figure = run_comparison([nothing])
    by_trials, _, accuracy, health = figure.axes
    assert texts(by_trials) == ["no trial has completed"]
    assert texts(accuracy) == ["not scored on the test set"]
    assert texts(health) == ["not measured"]
    assert save(figure, tmp_path / "x.png").stat().st_size > 0


def test_twenty_runs_are_told_apart():
    figure = run_comparison([made(f"run {number}") for number in range(20)])
    looks = {
        (line.get_color(), line.get_linestyle(), line.get_marker()) for line in figure.axes[0].lines
    }
    assert len(looks) == 20


def test_long_names_stay_whole_in_two_lines():
    name = "2026-11-25T10-20-03_fashion_mnist_constrained-val_accuracy"
    assert in_two_lines("short") == "short"
    assert in_two_lines(name) == "2026-11-25T10-20-03_fashion_\nmnist_constrained-val_accuracy"
    assert in_two_lines("x" * 40) == "x" * 20 + "\n" + "x" * 20
