from __future__ import annotations

import json

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.events import HEALTH_STOP, HealthAlert
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.health_metrics import in_order, metric_figures
from hpo_torch.results.health_report import (
    StudyHealth,
    influence,
    study_health,
    write_health_report,
)
from hpo_torch.results.records import read_record
from hpo_torch.results.summary import RunView

# Trial by trial: validation accuracy, overall_health, neuron_utilization.
FIGURES = [(0.90, 0.2, 1.0), (0.80, 0.6, 1.0), (0.88, 0.5, 1.0)]


@pytest.fixture
def write_trials(run, make_trial, measurements):
    """Write trials with these figures; the score is that of mode health with weight `w`."""

    def write(figures=FIGURES, w=0.3, mode="health", objective="val_accuracy", **changes):
        search = {"mode": mode, "optimize_for": objective, "health_weight": w}
        run.write_config(RunConfig.model_validate({"search": search}))
        for number, (accuracy, overall, alive) in enumerate(figures):
            measured = measurements.model_copy(
                update={
                    "val_accuracy": accuracy,
                    "overall_health": overall,
                    "health": {
                        "neuron_utilization": HealthReading(value=alive),
                        "training_stability": HealthReading(reason="too few steps"),
                    },
                }
            )
            score = (1 - w) * accuracy + w * overall if mode == "health" else accuracy
            run.write_trial(make_trial(number, score=score, measurements=measured, **changes))
        return RunView(run)

    return write


def test_influence_by_hand():
    # sd(O) = 0.1 and sd(H) = 0.3 of two values each: 0.3 * 0.3 / (0.3 * 0.3 + 0.7 * 0.1)
    found = influence([0.7, 0.9], [0.2, 0.8], 0.3)
    assert found.objective_deviation == pytest.approx(0.1)
    assert found.health_deviation == pytest.approx(0.3)
    assert found.share == pytest.approx(0.09 / 0.16)


@pytest.mark.parametrize(
    ("objectives", "healths", "weight", "share"),
    [
        ([], [], 0.3, None),
        ([0.5], [0.5], 0.3, None),
        ([0.5, 0.5], [0.5, 0.5], 0.3, None),
        ([0.5, 0.5], [0.5, 0.6], 0.3, 1.0),
        ([0.5, 0.6], [0.5, 0.5], 0.3, 0.0),
        ([0.5, 0.6], [0.5, 0.6], 0.0, 0.0),
        ([0.5, 0.6], [0.5, 0.6], 1.0, 1.0),
    ],
)
def test_influence_at_its_limits(objectives, healths, weight, share):
    assert influence(objectives, healths, weight).share == share


def test_report_of_a_run_by_hand(write_trials):
    report = study_health(write_trials())
    assert (report.completed, report.health_weight) == (3, 0.3)
    assert report.influence.trials == 3
    assert report.influence_near_best.trials == 2  # 0.80 is more than 0.05 below 0.90
    # Of 0.90 and 0.88, 0.2 and 0.5: sd 0.01 and 0.15.
    assert report.influence_near_best.share == pytest.approx(0.045 / (0.045 + 0.007))
    # Scores 0.69, 0.74, 0.766: the leader is 0, then 1, then 2; by accuracy it is always 0.
    comparison = report.comparison
    assert (comparison.winner, comparison.without_health) == (2, 0)
    assert (comparison.changed, comparison.checked) == (2, 3)
    # Three trials of two epochs of 2 seconds.
    assert report.training_seconds == 12.0
    assert report.health_share == 0.0


def test_metrics_that_never_varied_or_were_never_measured(write_trials):
    alive, stability = study_health(write_trials()).metrics
    assert (alive.name, alive.weight, alive.measured) == ("neuron_utilization", 0.2, 3)
    assert (alive.low, alive.high, alive.mean, alive.deviation) == (1.0, 1.0, 1.0, 0.0)
    assert alive.never_varied
    assert alive.tau is None
    assert (stability.measured, stability.not_measured) == (0, {"too few steps": 3})
    assert (stability.low, stability.tau, stability.never_varied) == (None, None, False)


def test_tau_is_with_accuracy(write_trials):
    figures = [(0.9, 0.2, 0.3), (0.8, 0.6, 0.2), (0.7, 0.5, 0.1)]
    alive = study_health(write_trials(figures)).metrics[0]
    assert (alive.tau, alive.never_varied) == (1.0, False)


def test_simple_mode_has_no_influence_and_changes_nothing(write_trials):
    report = study_health(write_trials(mode="simple"))
    assert (report.health_weight, report.influence, report.influence_near_best) == (None,) * 3
    assert (report.comparison.winner, report.comparison.changed) == (0, 0)


def test_constrained_mode_says_what_the_constraint_changed(write_trials):
    figures = [(0.900, 0.2, 1.0), (0.895, 0.6, 1.0), (0.80, 0.9, 1.0)]
    report = study_health(write_trials(figures, mode="constrained"))
    assert report.influence is None
    assert (report.comparison.winner, report.comparison.without_health) == (1, 0)
    assert report.comparison.changed == 2


def test_an_objective_of_health_alone_has_no_influence_to_report(write_trials):
    report = study_health(write_trials(objective="overall_health"))
    assert (report.influence, report.comparison, report.health_weight) == (None, None, None)


def test_a_run_without_trials_has_a_report_too(run):
    report = study_health(RunView(run))
    assert (report.completed, report.comparison, report.metrics, report.alerts) == (0, None, [], [])
    assert report.influence.trials == 0
    assert report.health_share is None


def test_alerts_and_stops_are_told_by_trial(run, make_trial):
    alert = HealthAlert(trial=1, attempt="1-1", epoch=1, message="all dead")
    with EventLog(run.events) as log:
        log.append(alert)
        log.append(alert.model_copy(update={"trial": 0, "message": "a gradient was not finite"}))
        log.append(alert.model_copy(update={"attempt": "1-2"}))
    run.write_trial(make_trial(0))
    run.write_trial(make_trial(1, message=f"{HEALTH_STOP}all dead: so in epochs 1 and 2"))
    zero, one = study_health(RunView(run)).alerts
    assert (zero.trial, zero.messages, zero.stopped) == (0, ["a gradient was not finite"], None)
    assert (one.trial, one.messages) == (1, ["all dead"])
    assert one.stopped == "all dead: so in epochs 1 and 2"


def test_report_is_written_as_it_is_read(write_trials, run):
    report = write_health_report(write_trials())
    path = run.path / "health_report.json"
    assert read_record(path, StudyHealth) == report
    assert json.loads(path.read_text())["comparison"]["changed"] == 2


def test_a_metric_that_is_not_installed_has_no_weight(write_trials, make_trial, measurements):
    measured = measurements.model_copy(update={"health": {"gone": HealthReading(value=0.5)}})
    (gone,) = metric_figures([make_trial(measurements=measured)], RunConfig().health)
    assert (gone.weight, gone.measured, gone.never_varied) == (None, 1, False)


def test_readings_come_by_weight_and_those_of_equal_weight_as_they_were():
    health = {name: HealthReading(value=0.5) for name in ("t1", "light", "t2", "heavy")}
    ordered = in_order(health, {"light": 0.1, "heavy": 0.3, "t1": 0.0})
    assert [name for name, _, _ in ordered] == ["heavy", "light", "t1", "t2"]
