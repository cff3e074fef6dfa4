"""The events of a short study, made up."""

from __future__ import annotations

from hpo_torch.protocol.events import (
    EpochFinished,
    StudyFinished,
    StudyStarted,
    TrialFinished,
    TrialStarted,
)
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements


def measured():
    return Measurements(
        val_accuracy=0.75, val_loss=0.5, last_val_accuracy=0.75, skill=0.7, parameters=10,
        training_seconds=1.0, overall_health=0.625,
        health={"rank": HealthReading(value=0.25), "calibration": HealthReading(reason="few")},
    )  # fmt: skip


def study(purpose="search"):
    return StudyStarted(
        run="r", dataset="d", mode="health", objective="val_accuracy", trials=1, backend="b",
        purpose=purpose,
    )  # fmt: skip


def study_ended():
    return StudyFinished(
        reason="done", completed=1, pruned=0, failed=0, best_trial=0, best_score=0.5,
        test_accuracy=None,
    )  # fmt: skip


def begun(trial=0, attempt="a"):
    return TrialStarted(
        trial=trial, attempt=attempt, worker="w", device="cpu", precision="32-true",
        hyperparameters={"learning_rate": 0.125, "activation": "relu"}, parameters=10, epochs=2,
    )  # fmt: skip


def epoch(number, trial=0):
    metrics = EpochMetrics(
        epoch=number, train_loss=1.0 / number, train_accuracy=0.5, val_loss=2.0 / number,
        val_accuracy=0.25 * number, learning_rate=0.125, seconds=1.0,
    )  # fmt: skip
    return EpochFinished(
        trial=trial, attempt="a", epochs=2, metrics=metrics, so_far=measured(), score=0.5
    )


def ended(trial=0, state="complete"):
    return TrialFinished(
        trial=trial, attempt="a", state=state, score=0.5, epochs_run=2, seconds=1.0,
        measurements=measured(),
    )  # fmt: skip


TRIAL = [study(), begun(), epoch(1), epoch(2), ended(), study_ended()]
