from __future__ import annotations

from pathlib import Path

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.catalogue import RunRow, list_runs, select_runs, sort_runs
from hpo_torch.results.records import INTERRUPTED, KeyFigures, RunSummary
from hpo_torch.results.run_directory import RunDirectory


def summary(trial):
    return RunSummary(
        run="b-finished",
        dataset="gtsrb",
        mode="simple",
        objective="val_accuracy",
        health_weight=None,
        seed=42,
        backend="local",
        counts={"complete": 1, "pruned": 0, "failed": 0},
        best_trial=trial.trial,
        best_score=trial.score,
        best=KeyFigures.of(trial.measurements),
        test_accuracy=0.97,
        parameter_importance=None,
        seconds=20.0,
        reason="all trials have run",
        versions={},
    )


def test_list_runs_gives_finished_running_and_damaged_runs_a_row_each(tmp_path, make_trial):
    finished = RunDirectory.create(tmp_path, "b-finished")
    finished.write_config(
        RunConfig.model_validate({"data": {"dataset": "gtsrb"}, "search": {"mode": "simple"}})
    )
    finished.write_summary(summary(make_trial(3, score=0.9)))
    running = RunDirectory.create(tmp_path, "a-running")
    running.write_config(RunConfig())
    running.write_trial(make_trial(0, score=0.4))
    damaged = RunDirectory.create(tmp_path, "c-damaged")
    damaged.config.write_text("not: [settings")

    rows = list_runs(tmp_path)
    assert [row.name for row in rows] == ["a-running", "b-finished", "c-damaged"]
    first, second, third = rows
    assert (first.dataset, first.mode, first.finished) == ("digits", "health", False)
    assert (first.best_trial, first.best_score, first.test_accuracy) == (0, 0.4, None)
    assert first.counts == {"complete": 1, "pruned": 0, "failed": 0}
    assert (second.dataset, second.mode, second.finished) == ("gtsrb", "simple", True)
    assert (second.best_trial, second.best_score, second.test_accuracy) == (3, 0.9, 0.97)
    assert "config.yaml holds no settings of a run" in third.problem
    assert (first.problem, second.problem) == ("", "")


def test_list_runs_of_a_missing_folder_is_empty(tmp_path):
    assert list_runs(tmp_path / "absent") == []


def row(name, **values):
    return RunRow(name=name, path=Path(name), **values)


ROWS = [
    row("a", dataset="digits", mode="health", finished=True, best_score=0.7, started="2026-01-03"),
    row("b", dataset="mnist", mode="health", finished=False, best_score=None, started="2026-01-01"),
    row("c", dataset="digits", mode="simple", finished=False, best_score=0.9, started="2026-01-02"),
    row("d", problem="damaged"),
]


def names(rows):
    return "".join(row.name for row in rows)


def test_runs_are_selected_by_all_that_is_asked():
    assert names(select_runs(ROWS)) == "abcd"
    assert names(select_runs(ROWS, dataset="digits")) == "ac"
    assert names(select_runs(ROWS, dataset="digits", mode="simple")) == "c"
    assert names(select_runs(ROWS, finished=True)) == "a"
    assert names(select_runs(ROWS, finished=False)) == "bc"  # of d nobody knows


def test_runs_are_sorted_with_the_unknown_last_in_both_directions():
    assert names(sort_runs(ROWS, "name")) == "abcd"
    assert names(sort_runs(ROWS, "name", reverse=True)) == "dcba"
    assert names(sort_runs(ROWS, "score")) == "cabd"
    assert names(sort_runs(ROWS, "score", reverse=True)) == "acbd"
    assert names(sort_runs(ROWS, "started")) == "acbd"


def test_interrupted_run_is_not_finished_and_says_when_it_began(tmp_path, make_trial):
    run = RunDirectory.create(tmp_path, "x")
    run.write_config(RunConfig())
    run.write_summary(summary(make_trial(0)).model_copy(update={"reason": INTERRUPTED}))
    run.events.write_text(
        '{"seq":1,"time":"2026-11-25T10:20:03.000+00:00"}\n{"seq":2,"time":"z"}\n'
    )
    (found,) = list_runs(tmp_path)
    assert not found.finished
    assert found.started == "2026-11-25T10:20:03.000+00:00"
