from __future__ import annotations

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.catalogue import list_runs
from hpo_torch.results.records import KeyFigures, RunSummary
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
