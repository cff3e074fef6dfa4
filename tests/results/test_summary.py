from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig, SearchSettings
from hpo_torch.errors import OutputError
from hpo_torch.results.records import INTERRUPTED, KeyFigures, RunSummary, TestReport
from hpo_torch.results.summary import RunView, best_of, count_states, resume_command


@pytest.fixture
def trials(make_trial):
    return [
        make_trial(0, score=0.5),
        make_trial(1, "pruned", 0.99),
        make_trial(2, score=0.8),
        make_trial(3, "failed", None),
        make_trial(4, score=0.8),
    ]


def summary(trials, best):
    return RunSummary(
        run="first",
        dataset="digits",
        mode="health",
        objective="val_accuracy",
        health_weight=0.3,
        seed=42,
        backend="local",
        counts=count_states(trials),
        best_trial=best.trial,
        best_score=best.score,
        best=KeyFigures.of(best.measurements),
        test_accuracy=0.9,
        parameter_importance={"learning_rate": 1.0},
        seconds=20.0,
        reason="all trials have run",
        versions={"torch": "2.14.1"},
    )


def test_best_of_is_the_first_completed_trial_of_the_highest_score(trials):
    assert best_of(trials).trial == 2
    assert best_of(reversed(trials)).trial == 2


def test_best_of_nothing_completed_is_none(make_trial):
    assert best_of([make_trial(0, "pruned", 0.5), make_trial(1, "failed", None)]) is None


def test_count_states_counts_absent_states_as_zero(make_trial, trials):
    assert count_states(trials) == {"complete": 3, "pruned": 1, "failed": 1}
    assert count_states([]) == {"complete": 0, "pruned": 0, "failed": 0}


def test_view_of_a_running_run(run, trials):
    for trial in reversed(trials):
        run.write_trial(trial)
    view = RunView.open(run.path)
    assert [trial.trial for trial in view.trials] == [0, 1, 2, 3, 4]
    assert (view.name, view.finished, view.summary, view.test_report) == (
        "first",
        False,
        None,
        None,
    )
    assert view.best == trials[2]
    assert view.counts == {"complete": 3, "pruned": 1, "failed": 1}
    assert view.config == RunConfig()


def test_view_of_a_finished_run(run, trials):
    for trial in trials:
        run.write_trial(trial)
    report = TestReport.from_confusion([[1]], ["only"], 0.0)
    run.write_test_report(report)
    run.write_summary(summary(trials, trials[4]))
    view = RunView.open(run.path)
    assert view.finished
    assert view.summary == summary(trials, trials[4])
    assert view.test_report == report
    # The summary's winner counts: with trials in parallel the later of equals may finish first.
    assert view.best == trials[4]


def test_run_that_was_cut_short_while_its_winner_was_tested_is_not_whole(run, trials):
    whole = summary(trials, trials[4])
    run.write_summary(whole.model_copy(update={"reason": INTERRUPTED}))
    assert not RunView.open(run.path).is_whole
    run.write_summary(whole)
    assert RunView.open(run.path).is_whole


def test_view_of_a_run_without_trials(run):
    view = RunView.open(run.path)
    assert (view.trials, view.best) == ([], None)


def test_view_names_damaged_files(run, make_trial):
    run.write_trial(make_trial(0))
    (run.trial_dir(0) / "result.json").write_text("{}")
    run.config.write_text("search: {trials: none}")
    view = RunView.open(run.path)
    with pytest.raises(OutputError, match=r"0000/result.json is no TrialResult"):
        _ = view.trials
    with pytest.raises(OutputError, match=r"config.yaml holds no settings of a run"):
        _ = view.config


def test_resume_command_asks_for_more_time_where_that_was_used_up():
    assert resume_command("runs/x") == "hpo-torch resume runs/x"
    assert resume_command("runs/x", "interrupted") == "hpo-torch resume runs/x"
    assert resume_command("runs/x", "timeout") == "hpo-torch resume runs/x --timeout LARGER"


def test_trials_are_counted_without_reading_all_of_them(run, trials, monkeypatch):
    for trial in trials:
        run.write_trial(trial)
    view = RunView.open(run.path)
    monkeypatch.setattr(view.directory, "read_trials", lambda: pytest.fail("they were read"))
    assert view.counts == {"complete": 3, "pruned": 1, "failed": 1}
    assert view.satisfies(SearchSettings(trials=5))
    assert not view.satisfies(SearchSettings(trials=6))


def test_counts_are_of_the_trials_that_a_view_has_read(run, trials):
    for trial in trials[:4]:
        run.write_trial(trial)
    view = RunView.open(run.path)
    assert len(view.trials) == 4
    run.write_trial(trials[4])  # the run goes on
    assert sum(view.counts.values()) == 4
