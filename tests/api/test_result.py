from __future__ import annotations

import pytest
from matplotlib.figure import Figure

import hpo_torch
from hpo_torch.api.result import Result
from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import HpoTorchError, OutputError, UnknownNameError, UsageError
from hpo_torch.reporting import page
from hpo_torch.results.run_directory import RunDirectory


@pytest.fixture
def result(build_run, twelve_trials, make_report):
    return hpo_torch.open_run(build_run(twelve_trials, make_report(10)).path)


def test_figures_are_the_winners(result, twelve_trials):
    # Of those that completed, trial 7 has the highest score: 0.5 + 0.03 * (35 % 12).
    assert (result.best_trial, result.best_score) == (7, pytest.approx(0.83))
    assert result.best_hyperparameters == twelve_trials[7].hyperparameters
    assert result.test_accuracy == 0.9
    assert result.summary.best_trial == 7
    assert result.config == RunConfig()


def test_frames_are_the_runs(result):
    assert len(result.trials) == 12
    assert result.trials.loc[7, "score"] == result.best_score
    assert result.epochs.loc[7].shape[0] == 8
    assert result.health.loc[(7, "neuron_utilization"), "value"] == 0.94


def test_run_without_a_completed_trial_has_a_result_too(tmp_path):
    run = RunDirectory.create(tmp_path, "empty")
    run.write_config(RunConfig())
    result = hpo_torch.open_run(tmp_path / "empty")
    assert (result.best_trial, result.best_score, result.test_accuracy) == (None, None, None)
    assert (result.best_hyperparameters, result.summary) == ({}, None)
    assert result.trials.empty
    assert repr(result) == "<Result empty: trials none>"


def test_open_run_says_which_runs_there_are(result, tmp_path):
    with pytest.raises(UnknownNameError, match="gtsrb_health"):
        hpo_torch.open_run(result.run.parent / "other")
    with pytest.raises(OutputError, match="is no run"):
        hpo_torch.open_run(tmp_path)


def test_figure_is_drawn_and_nothing_written(result):
    before = set(result.run.rglob("*"))
    figure = result.figure("learning_curves", trial=3)
    assert isinstance(figure, Figure)
    assert "Trial 3" in " ".join(
        text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    )
    dark = result.figure("learning_curves", dark=True)
    assert dark.get_facecolor() != figure.get_facecolor()
    assert set(result.run.rglob("*")) == before


def test_figure_that_there_is_not_is_one_message(result):
    with pytest.raises(UnknownNameError, match="learning_curves"):
        result.figure("learning_curve")
    with pytest.raises(UsageError, match="no trial 99"):
        result.figure("learning_curves", trial=99)
    with pytest.raises(HpoTorchError, match="'learning_curves' was not drawn: trial 5 recorded no"):
        result.figure("learning_curves", trial=5)


def test_report_is_written_and_its_path_returned(result, monkeypatch):
    monkeypatch.setattr(page, "PICTURES", ())
    path = result.report()
    assert path == result.run / "report.html"
    assert "Best: trial 7" in path.read_text("utf-8")


def test_notebooks_show_an_escaped_table(build_run, make_trial):
    trial = make_trial(0).model_copy(update={"hyperparameters": {"note": "<b>"}})
    shown = Result(build_run([trial]))._repr_html_()
    assert "<td style='text-align: left'>&lt;b&gt;</td>" in shown
    assert "<b>" not in shown
    assert shown.count("<tr>") == shown.count("</tr>") == 5  # trials, best, score, folder, note
