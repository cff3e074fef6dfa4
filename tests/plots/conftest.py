"""A synthetic run, written through RunDirectory itself."""

from __future__ import annotations

import math

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.events import EpochFinished
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.results.records import KeyFigures, RunSummary, TestReport, TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import best_of, count_states

LAYERS = [f"features.{index}.convolution" for index in range(4)] + ["head.0.linear", "head.3"]


def epochs_of(count, *, diverged_from=None):
    """Plausible curves; from `diverged_from` on the losses are nan."""
    return [
        EpochMetrics(
            epoch=epoch,
            train_loss=math.nan if diverged_from and epoch >= diverged_from else 2.3 * 0.8**epoch,
            train_accuracy=1 - 0.9 * 0.8**epoch,
            val_loss=math.inf
            if diverged_from and epoch >= diverged_from
            else 0.3 + 2 * 0.75**epoch,
            val_accuracy=0.93 - 0.83 * 0.78**epoch,
            learning_rate=1e-3 * 0.5 * (1 + math.cos(math.pi * epoch / count)),
            seconds=3.2,
            health_seconds=0.2,
        )
        for epoch in range(1, count + 1)
    ]


def health_of(trial):
    alive = {
        layer: round(1 - 0.03 * ((trial + depth) % 5), 3) for depth, layer in enumerate(LAYERS)
    }
    decades = {layer: 0.4 * depth - 1.3 for depth, layer in enumerate(LAYERS)}
    return {
        "neuron_utilization": HealthReading(value=0.94, details={"alive": alive, "dead": 12}),
        "gradient_health": HealthReading(value=0.71, details={"decades": decades, "spikes": 0.01}),
        "training_stability": HealthReading(
            reason="only 12 optimiser steps were taken; at least 20 are needed to judge stability"
        ),
        "parameter_efficiency": HealthReading(value=0.0),
    }


def make_trial(trial, state="complete", score=0.5, *, epochs=8, health=None):
    measured = None
    if epochs:
        measured = Measurements(
            val_accuracy=0.9,
            val_loss=0.4,
            last_val_accuracy=0.89,
            skill=0.88,
            parameters=421_642,
            training_seconds=31.5,
            memory_bytes=81_000_000,
            health=health_of(trial) if health is None else health,
            overall_health=0.55,
        )
    return TrialResult(
        trial=trial,
        attempt=f"{trial}-1",
        state=state,
        score=score,
        seed=1000 + trial,
        family="cnn",
        hyperparameters={
            "learning_rate": 1e-3 / (trial + 1),
            "convolution_blocks": 1 + trial % 4,
            "fully_connected_dropout_probability": 0.25,
            "activation": "relu",
        },
        measurements=measured,
        kept_epoch=max(1, epochs - 2) if epochs else None,
        epochs=epochs_of(epochs),
        started="2026-11-25T10:20:03.000+00:00",
        seconds=35.0,
    )


def twelve_trials():
    """Scores 0.50, 0.53, ...; 3 and 8 pruned, 5 failed unscored, 9 failed with the worst score."""
    trials = [make_trial(number, score=0.5 + 0.03 * ((number * 5) % 12)) for number in range(12)]
    trials[3] = make_trial(3, "pruned", 0.31, epochs=3)
    trials[8] = make_trial(8, "pruned", 0.28, epochs=1)
    trials[5] = make_trial(5, "failed", None, epochs=0)
    trials[9] = make_trial(9, "failed", 0.0, epochs=4).model_copy(
        update={"epochs": epochs_of(4, diverged_from=2), "failure_kind": "diverged"}
    )
    return trials


def make_report(classes, *, names=None):
    """Each class has 100 examples: 90 right, 7 taken for the next class, 3 for the one after."""
    confusion = [[0] * classes for _ in range(classes)]
    for index in range(classes):
        confusion[index][index] += 90
        confusion[index][(index + 1) % classes] += 7
        confusion[index][(index + 2) % classes] += 3
    return TestReport.from_confusion(
        confusion, names or [f"class {index}" for index in range(classes)], 0.31
    )


def summary_of(run, trials, importance):
    best = best_of(trials)
    return RunSummary(
        run=run.name,
        dataset="gtsrb",
        mode="health",
        objective="val_accuracy",
        health_weight=0.3,
        seed=42,
        backend="local",
        counts=count_states(trials),
        best_trial=best.trial if best else None,
        best_score=best.score if best else None,
        best=KeyFigures.of(best.measurements) if best else None,
        test_accuracy=0.9,
        parameter_importance=importance,
        seconds=400.0,
        reason="all trials have run",
        versions={"torch": "2.14.1"},
    )


@pytest.fixture
def build_run(tmp_path):
    """Return a function that writes a finished run: (trials, report, importance) -> folder."""

    def build(trials, report=None, importance=None):
        run = RunDirectory.create(tmp_path / "runs", "2026-11-25T10-20-03_gtsrb_health")
        run.write_config(RunConfig())
        for trial in trials:
            run.write_trial(trial)
        if report is not None:
            run.write_test_report(report)
        run.write_summary(summary_of(run, trials, importance))
        return run

    return build


@pytest.fixture(name="make_trial")
def _make_trial():
    return make_trial


@pytest.fixture(name="twelve_trials")
def _twelve_trials():
    return twelve_trials()


@pytest.fixture(name="make_report")
def _make_report():
    return make_report


@pytest.fixture
def trained():
    """Return a function that makes a trial and its epochs from each epoch's health readings."""

    def make(readings, **of_epochs):
        trial = make_trial(7, epochs=len(readings), health={})
        trial = trial.model_copy(update={"epochs": epochs_of(len(readings), **of_epochs)})
        epochs = [
            EpochFinished(
                trial=7,
                attempt=trial.attempt,
                epochs=20,
                metrics=metrics,
                so_far=trial.measurements.model_copy(update={"health": health}),
            )
            for metrics, health in zip(trial.epochs, readings, strict=True)
        ]
        return trial, epochs

    return make
