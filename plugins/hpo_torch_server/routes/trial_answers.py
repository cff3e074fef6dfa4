"""From what is known of a run's trials to what the API says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_runs import RunDirectory, RunView
from hpo_torch_server.routes.models_trials import (
    Alert,
    BestTrial,
    Confirmed,
    CurrentTrial,
    Epoch,
    Reading,
    Tested,
    Trial,
    TrialDetail,
)
from hpo_torch_server.run_index import open_row
from hpo_torch_server.states import JobState
from hpo_torch_server.trial_table import finite, nested, with_z

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hpo_torch.plugin_runs import Confirmation, TestReport, TrialResult
    from hpo_torch.protocol.events import HealthAlert
    from hpo_torch.protocol.measurements import EpochMetrics, HealthReading
    from hpo_torch_server.event_fold import OpenTrial
    from hpo_torch_server.run_index import InTraining, RunIndex


def detail_of_ended(trial: Trial, result: TrialResult) -> TrialDetail:
    """Show a trial that has ended."""
    health = {} if result.measurements is None else result.measurements.health
    return TrialDetail(
        trial=trial,
        message=result.message,
        curve=_curve(result.epochs),
        readings=_readings(health),
        alerts=[],
    )


def detail_of_open(trial: Trial, so_far: OpenTrial) -> TrialDetail:
    """Show a trial that has not ended."""
    health = {} if so_far.last is None else so_far.last.so_far.health
    return TrialDetail(
        trial=trial,
        message="",
        curve=_curve(so_far.curve),
        readings=_readings(health),
        alerts=_alerts(so_far.alerts),
    )


def current_trial_of(training: InTraining) -> CurrentTrial:
    """Show a trial in training."""
    trial, last = training.trial, training.trial.last
    row = nested(open_row(trial))
    same = ("worker", "device", "started", "attempts", "parameters", "score", "overall_health")
    return CurrentTrial(
        number=trial.number,
        purpose=training.purpose,
        epoch=0 if last is None else last.metrics.epoch,
        epochs=None if trial.started is None else trial.started.epochs,
        val_accuracy=None if last is None else finite(last.metrics.val_accuracy),
        health={} if last is None else {n: reading.value for n, reading in last.health.items()},
        hyperparameters=row["hyperparameters"],
        curve=_curve(trial.curve),
        alerts=_alerts(trial.alerts),
        **{name: row[name] for name in same},
    )


def best_trial_of(index: RunIndex) -> BestTrial | None:
    """Show the trial that leads or has won; None before one has completed.

    Raises:
        OutputError: The summary, the confirmation or the test report is damaged.
    """
    if not index.path.exists():
        return None
    view = RunView(RunDirectory(index.path))
    confirmation, summary = view.confirmation, view.summary
    number = index.progress().leader
    if confirmation is not None and confirmation.winner is not None:
        number = confirmation.winner
    elif summary is not None and summary.best_trial is not None:
        number = summary.best_trial
    row = None if number is None else index.row_of(number)
    if row is None:
        return None
    return BestTrial(
        final=index.state()[0] is JobState.COMPLETED,
        trial=Trial.model_validate(nested(row)),
        confirmed=_confirmed(confirmation, row["number"]),
        test=_tested(view.test_report) if summary is not None else None,
    )


def _confirmed(confirmation: Confirmation | None, number: int) -> Confirmed | None:
    trials = [] if confirmation is None else confirmation.trials
    for trial in trials:
        if trial.trial == number:
            return Confirmed(
                seeds=trial.seeds,
                scores=trial.scores,
                mean=trial.mean,
                deviation=trial.deviation,
                searched_score=trial.searched,
                searched_rank=trial.searched_rank,
            )
    return None


def _tested(report: TestReport | None) -> Tested | None:
    if report is None:
        return None
    return Tested(
        examples=report.examples,
        accuracy=report.accuracy,
        interval=report.interval,
        loss=finite(report.loss),
    )


def _curve(epochs: Iterable[EpochMetrics]) -> list[Epoch]:
    return [
        Epoch(**{name: finite(value) for name, value in epoch.model_dump().items()})
        for epoch in epochs
    ]


def _readings(health: Mapping[str, HealthReading]) -> dict[str, Reading]:
    return {
        name: Reading(
            value=reading.value,
            reason=reading.reason,
            applies=reading.applies,
            details=_plain(reading.details),
        )
        for name, reading in health.items()
    }


def _alerts(alerts: Iterable[HealthAlert]) -> list[Alert]:
    return [
        Alert(time=with_z(each.time), epoch=each.epoch, message=each.message) for each in alerts
    ]


def _plain(value: Any) -> Any:
    """Return nested details with null for what is not finite: a file has a string there."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return None if value in ("NaN", "Infinity", "-Infinity") else finite(value)
