"""A run's folder as a search leaves it, told step by step, without training anything."""

from __future__ import annotations

from datetime import timedelta

from synthetic_study import START

from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.events import (
    EpochFinished,
    HealthAlert,
    StudyFinished,
    StudyStarted,
    TrainingFinished,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.records import KeyFigures, RunSummary, TrialResult
from hpo_torch.results.run_directory import RunDirectory


def metrics(epoch=1, accuracy=0.75, **changes):
    values = {
        "epoch": epoch,
        "train_loss": 0.5,
        "train_accuracy": 0.8,
        "val_loss": 0.6,
        "val_accuracy": accuracy,
        "learning_rate": 0.001,
        "seconds": 2.0,
    }
    return EpochMetrics(**(values | changes))


def measured(accuracy=0.75, health=0.5):
    return Measurements(
        val_accuracy=accuracy,
        val_loss=0.6,
        last_val_accuracy=accuracy,
        skill=accuracy,
        parameters=1234,
        training_seconds=4.0,
        memory_bytes=1000,
        health={
            "gradient_health": HealthReading(value=health, details={"layers": {"a": 0.9}}),
            "training_stability": HealthReading(reason="too few steps"),
        },
        overall_health=health,
    )


def ended_trial(trial=0, state="complete", score=0.5, **changes):
    values = {
        "trial": trial,
        "attempt": f"{trial}-1",
        "state": state,
        "score": score,
        "seed": 7,
        "family": "cnn",
        "hyperparameters": {"learning_rate": 0.001, "activation": "relu"},
        "measurements": measured(),
        "kept_epoch": 1,
        "epochs": [metrics(1), metrics(2)],
        "started": "2026-11-25T10:20:03.000+00:00",
        "seconds": 5.5,
        "worker": "local-0",
        "device": "cpu",
    }
    return TrialResult(**(values | changes))


class ToldRun:
    """Each call writes what a search would write; a second passes with each event."""

    def __init__(self, root, name="first", trials=10, **settings):
        self.directory = RunDirectory.create(root, name)
        search = {"trials": trials} | settings
        self.config = RunConfig.model_validate({"search": search})
        self.directory.write_config(self.config)
        self.counts = {"complete": 0, "pruned": 0, "failed": 0}
        self.best = None
        self._now = START

    @property
    def path(self):
        return self.directory.path

    def say(self, event):
        self._now += timedelta(seconds=1)
        time = self._now.isoformat(timespec="milliseconds")
        with EventLog(self.directory.events) as log:
            return log.append(event.model_copy(update={"time": time}))

    def wait(self, time):
        """Let time pass in which nothing happens."""
        self._now += time

    def begin(self, **changes):
        values = {
            "run": str(self.path),
            "dataset": "digits",
            "mode": "health",
            "objective": "val_accuracy",
            "trials": self.config.search.trials,
            "backend": "local",
        }
        return self.say(StudyStarted(**(values | changes)))

    def start(self, trial, attempt="", epochs=3, done=0, **hyperparameters):
        started = TrialStarted(
            trial=trial,
            attempt=attempt or f"{trial}-1",
            worker="local-0",
            device="cpu",
            precision="32-true",
            hyperparameters=hyperparameters or {"learning_rate": 0.001, "activation": "relu"},
            parameters=1234,
            epochs=epochs,
            epochs_done=done,
        )
        return self.say(started)

    def epoch(self, trial, epoch, accuracy=0.5, attempt="", score=0.5, **changes):
        finished = EpochFinished(
            trial=trial,
            attempt=attempt or f"{trial}-1",
            epochs=3,
            metrics=metrics(epoch, accuracy, **changes),
            so_far=measured(accuracy),
            score=score,
        )
        return self.say(finished)

    def alert(self, trial, epoch, message):
        return self.say(
            HealthAlert(trial=trial, attempt=f"{trial}-1", epoch=epoch, message=message)
        )

    def retry(self, trial, attempt, following):
        return self.say(
            TrialRetried(
                trial=trial,
                attempt=attempt,
                failure_kind="worker_died",
                message="gone",
                next_attempt=following,
            )
        )

    def stop_training(self, trial):
        return self.say(
            TrainingFinished(trial=trial, attempt=f"{trial}-1", outcome="stopped", kept_epoch=1)
        )

    def result(self, trial, state="complete", score=0.5, **changes):
        """Write what a trial's end leaves, but for its event."""
        result = ended_trial(trial, state, score, **changes)
        self.directory.write_trial(result)
        self.directory.add_to_table(result)
        return result

    def end(self, trial, state="complete", score=0.5, **changes):
        """End a trial: its files, and its event."""
        result = self.result(trial, state, score, **changes)
        self.counts[state] += 1
        if state == "complete" and (self.best is None or score > self.best.score):
            self.best = result
        return self.say(
            TrialFinished(
                trial=trial,
                attempt=result.attempt,
                state=state,
                score=score,
                best=self.best is result,
                leader=None if self.best is None else self.best.trial,
                epochs_run=len(result.epochs),
                seconds=result.seconds,
                measurements=result.measurements,
            )
        )

    def finish(self, reason="all trials done", **changes):
        best = self.best
        summary = RunSummary(
            run=self.directory.name,
            dataset="digits",
            mode="health",
            objective="val_accuracy",
            health_weight=0.3,
            seed=42,
            backend="local",
            counts=self.counts,
            best_trial=None if best is None else best.trial,
            best_score=None if best is None else best.score,
            best=None if best is None else KeyFigures.of(best.measurements),
            test_accuracy=None,
            parameter_importance=None,
            seconds=1.0,
            reason=reason,
            versions={},
        )
        self.directory.write_summary(summary.model_copy(update=changes))
        counts = {"completed": "complete", "pruned": "pruned", "failed": "failed"}
        return self.say(
            StudyFinished(
                reason=reason,
                best_trial=summary.best_trial,
                best_score=summary.best_score,
                test_accuracy=None,
                **{name: self.counts[state] for name, state in counts.items()},
            )
        )
