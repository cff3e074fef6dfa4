"""Plots modes x modes x objectives: what is drawn, and what the score is of."""

from __future__ import annotations

import pytest
from found_run import BEST_PICTURES

SIMPLE = ("--mode", "simple")
TRIAL_PICTURES = {"learning_curves", "health"}


def health(weight):
    return ("--mode", "health", "--health-weight", str(weight))


def check_every_trial_is_drawn(run, trials):
    for number in range(trials):
        run.check_pictures(f"trials/{number:04d}/plots", TRIAL_PICTURES)


@pytest.mark.product("T005", "critical")
def test_t005_best_mode_with_accuracy(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "3")
    run.check_complete(3)
    run.check_score_is_accuracy()
    run.check_pictures("plots", BEST_PICTURES)
    assert not list(run.path.glob("trials/*/plots"))
    assert run.summary["test_accuracy"] > 0.5


@pytest.mark.product("T001", "high")
def test_t001_all_plots_with_accuracy(find):
    run = find(*SIMPLE, "--plots", "all", "--trials", "3")
    run.check_complete(3)
    run.check_score_is_accuracy()
    run.check_pictures("plots", BEST_PICTURES)
    check_every_trial_is_drawn(run, 3)


@pytest.mark.product("T002", "high")
def test_t002_all_plots_with_health(find):
    run = find(*health(0.3), "--plots", "all", "--trials", "3")
    run.check_complete(3)
    run.check_score_has_health(0.3)
    run.check_pictures("plots", BEST_PICTURES | {"pareto_front", "health_metrics"})
    check_every_trial_is_drawn(run, 3)


@pytest.mark.product("T006", "high")
def test_t006_best_mode_with_health(find):
    run = find(*health(0.3), "--plots", "best", "--trials", "3")
    run.check_complete(3)
    run.check_score_has_health(0.3)
    run.check_pictures("plots", BEST_PICTURES)
    assert run.summary["test_accuracy"] > 0.5


@pytest.mark.product("T009", "high")
def test_t009_no_plots_with_accuracy(find):
    run = find(*SIMPLE, "--plots", "none", "--trials", "3")
    run.check_complete(3)
    run.check_score_is_accuracy()
    run.check_no_pictures()


@pytest.mark.product("T010", "high")
def test_t010_no_plots_with_health(find):
    run = find(*health(0.3), "--plots", "none", "--trials", "3")
    run.check_complete(3)
    run.check_score_has_health(0.3)
    run.check_no_pictures()


@pytest.mark.product("T013", "high")
def test_t013_one_trial_is_enough(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "1")
    run.check_complete(1)
    run.check_pictures("plots", BEST_PICTURES)
    assert run.summary["best_trial"] == 0


@pytest.mark.product("T014", "high")
def test_t014_one_trial_with_health(find):
    run = find(*health(0.4), "--plots", "best", "--trials", "1")
    run.check_complete(1)
    run.check_score_has_health(0.4)
    run.check_pictures("plots", BEST_PICTURES)


@pytest.mark.product("T015", "medium")
def test_t015_little_health(find):
    run = find(*health(0.2), "--plots", "all", "--trials", "2")
    run.check_complete(2)
    run.check_score_has_health(0.2)
    check_every_trial_is_drawn(run, 2)


@pytest.mark.product("T016", "medium")
def test_t016_much_health(find):
    run = find(*health(0.6), "--plots", "all", "--trials", "2")
    run.check_complete(2)
    run.check_score_has_health(0.6)
    check_every_trial_is_drawn(run, 2)


@pytest.mark.product("T021", "medium")
def test_t021_more_trials_all_drawn(find):
    run = find(*health(0.3), "--plots", "all", "--trials", "5")
    run.check_complete(5)
    run.check_score_has_health(0.3)
    # Five completed trials are enough to tell which hyperparameters mattered.
    run.check_pictures("plots", BEST_PICTURES | {"hyperparameter_importance"})
    assert sum(run.summary["parameter_importance"].values()) == pytest.approx(1.0)
    check_every_trial_is_drawn(run, 5)


@pytest.mark.product("T022", "medium")
def test_t022_more_trials_by_health_alone(find):
    run = find("--mode", "health", "--optimize-for", "overall_health", "--trials", "5")
    run.check_complete(5)
    for row in run.rows:
        assert float(row["score"]) == pytest.approx(float(row["overall_health"]))


@pytest.mark.product("T025", "medium")
def test_t025_least_work_with_health(find):
    run = find(*health(0.2), "--plots", "none", "--trials", "1")
    run.check_complete(1)
    run.check_score_has_health(0.2)
    run.check_no_pictures()
