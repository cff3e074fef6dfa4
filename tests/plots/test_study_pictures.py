"""Every picture of a study, of studies of every size; warnings are errors here."""

from __future__ import annotations

import pytest
from synthetic_study import bare_trial, random_trials, write_log

from hpo_torch.config.schema import RunConfig
from hpo_torch.plots.draw import Drawer
from hpo_torch.plots.study_pictures import STUDY_PICTURES
from hpo_torch.plots.style import Look
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView

NAMES = [picture.name for picture in STUDY_PICTURES]
NEW = ["parallel_coordinates", "slices", "contour", "timeline", "activations"]
IMPORTANCE = {"momentum": 0.4, "learning_rate": 0.3, "optimizer": 0.2, "dropout": 0.1}


def draw(run, look=None):
    drawings = Drawer(RunView(run), look or Look()).draw(STUDY_PICTURES)
    skipped = {drawing.path.stem: drawing.skipped for drawing in drawings}
    for drawing in run.plots_dir.glob("*"):
        assert drawing.stat().st_size > 1000
    return skipped


def test_of_an_empty_study_nothing_is_drawn_and_each_says_why(tmp_path):
    run = RunDirectory.create(tmp_path, "empty")
    run.write_config(RunConfig())
    skipped = draw(run)
    assert list(skipped) == NAMES
    assert all(skipped.values())
    assert skipped["timeline"] == "the event log tells of no trial"


def test_one_trial_has_a_history_and_a_timeline(build_run, make_trial):
    trials = random_trials(make_trial, 1)
    run = build_run(trials)
    write_log(run, trials)
    skipped = draw(run)
    assert skipped["optimization_history"] == skipped["timeline"] == ""
    nothing = "no searched hyperparameter differs between trials"
    assert skipped["slices"] == skipped["contour"] == skipped["parallel_coordinates"] == nothing
    assert skipped["activations"] == (
        "no activation differs between trials: activation is swish, hidden_activation is leaky_relu"
    )


def test_failed_trials_alone_show_where_and_when_they_failed(build_run, make_trial):
    trials = random_trials(make_trial, 6, states=["failed"] * 6)
    run = build_run(trials)
    write_log(run, trials)
    skipped = draw(run)
    drawn = {name for name, reason in skipped.items() if not reason}
    assert drawn == {"optimization_history", "slices", "timeline"}
    assert skipped["contour"] == skipped["activations"] == "no trial has completed"


@pytest.mark.parametrize(("family", "dark"), [("cnn", False), ("lstm", True)])
def test_a_usual_study_has_every_picture(build_run, make_trial, family, dark):
    trials = random_trials(make_trial, 24, family=family)
    run = build_run(trials, importance=IMPORTANCE)
    write_log(run, trials, pause_after=15, retried_trials={3})
    assert list(draw(run, Look("svg", dark)).values()) == [""] * len(NAMES)


def test_a_study_that_goes_on_has_pictures_without_importance(tmp_path, make_trial):
    run = RunDirectory.create(tmp_path, "going-on")
    run.write_config(RunConfig())
    trials = random_trials(make_trial, 12)
    for trial in trials:
        run.write_trial(trial)
    write_log(run, trials)
    skipped = draw(run)
    assert [name for name in NEW if skipped[name]] == []


@pytest.mark.slow
def test_a_thousand_trials_are_drawn(build_run, make_trial):
    trials = random_trials(make_trial, 1000)
    run = build_run(trials, importance=IMPORTANCE)
    write_log(run, trials, workers=16, retried_trials=range(0, 1000, 50))
    assert draw(run) == dict.fromkeys(NAMES, "")


def test_contour_is_of_two_that_most_completed_trials_have(build_run, make_trial):
    trials = random_trials(make_trial, 24)
    run = build_run(trials, importance=IMPORTANCE)  # momentum leads, which only SGD has
    picture = STUDY_PICTURES[NAMES.index("contour")]
    axes = Drawer(RunView(run), Look()).figure(picture).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("learning_rate", "dropout")


def test_contour_says_where_no_two_numbers_differ(tmp_path):
    run = RunDirectory.create(tmp_path, "names-only")
    run.write_config(RunConfig())
    run.write_trial(bare_trial(0, optimizer="sgd"))
    run.write_trial(bare_trial(1, optimizer="adam"))
    assert draw(run)["contour"] == (
        "no two numeric hyperparameters differ between completed trials and apply to half of them"
    )
