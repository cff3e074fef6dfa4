"""Synthetic studies of any size, with a search's own hyperparameters and events."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hpo_torch.protocol.events import (
    StudyStarted,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.records import RunSummary, TrialResult
from hpo_torch.search.families import search_space

START = datetime(2026, 11, 25, 10, 0, 0, tzinfo=UTC)


def bare_trial(number, state="complete", score=0.5, *, family="cnn", **hyperparameters):
    """A trial of which nothing was measured but its score."""
    return TrialResult(
        trial=number,
        attempt=f"{number}-1",
        state=state,
        score=score,
        seed=number,
        family=family,
        hyperparameters=hyperparameters,
        started="2026-11-25T10:20:03.000+00:00",
        seconds=1.0,
    )


def summary_with(importance):
    """A summary that knows the importance of hyperparameters, and little else."""
    return RunSummary(
        run="x",
        dataset="digits",
        mode="health",
        objective="val_accuracy",
        health_weight=0.3,
        seed=42,
        backend="local",
        counts={"complete": 0, "pruned": 0, "failed": 0},
        best_trial=None,
        best_score=None,
        best=None,
        test_accuracy=None,
        parameter_importance=importance,
        seconds=1.0,
        reason="all trials done",
        versions={},
    )


class _Dice:
    """Chooses as Optuna's random sampler would."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def suggest_int(self, name, low, high, *, log=False):
        return self._random.randint(low, high)

    def suggest_float(self, name, low, high, *, log=False):
        if log:
            return low * (high / low) ** self._random.random()
        return self._random.uniform(low, high)

    def suggest_categorical(self, name, choices):
        return self._random.choice(choices)


def random_trials(make_trial, count, *, family="cnn", fixed=None, states=None):
    """Trials with configurations of the family's own space; a fifth pruned, a twelfth failed.

    The score depends on learning_rate, dropout and activation only.
    """
    space = search_space(family, (3, 32, 32), 50_000, 1, 20, True)
    dice = _Dice(7)
    trials = []
    for number in range(count):
        values = space.sample(dice, space.check_fixed(fixed or {}))
        state = states[number] if states else _state(number)
        trial = make_trial(number, state, _score(values, number, state), epochs=1)
        changes = {"hyperparameters": values, "family": family}
        trials.append(trial.model_copy(update=changes))
    return trials


def _state(number):
    if number % 12 == 11:
        return "failed"
    return "pruned" if number % 5 == 3 else "complete"


def _score(values, number, state):
    if state == "failed":
        return None if number % 24 == 11 else 0.0
    score = 0.95 - 0.6 * abs(values["dropout"] - 0.3) - 0.1 * abs(_decades(values))
    score -= 0.1 * (values["hidden_activation"] == "sigmoid")
    noise = random.Random(number).gauss(0, 0.015)
    return round(max(0.05, score + noise - 0.25 * (state == "pruned")), 4)


def _decades(values):
    return len(str(int(1 / values["learning_rate"]))) - 3


def write_log(run, trials, *, workers=4, pause_after=None, retried_trials=()):
    """Write a run's events: each trial takes 40 s and more, on whoever is free first.

    Args:
        pause_after: Number of the trial before whose start the process ends, for 14 hours.
        retried_trials: Numbers of trials whose first attempt dies after 20 s.
    """
    free = [START + timedelta(seconds=3 * worker) for worker in range(workers)]
    told = [(START, begun())]
    for trial in trials:
        if trial.trial == pause_after:
            resumed = max(free) + timedelta(hours=14)
            told.append((resumed, begun()))
            free = [resumed + timedelta(seconds=5)] * workers
        worker = free.index(min(free))
        start = free[worker]
        if trial.trial in retried_trials:
            first = f"{trial.trial}-0"
            told.append((start, started(trial.trial, first, f"local-{worker}")))
            start += timedelta(seconds=20)
            told.append((start, retried(trial.trial, first, trial.attempt)))
            start += timedelta(seconds=4)
        seconds = 40 + 13 * (trial.trial % 7) if trial.state == "complete" else 12
        end = start + timedelta(seconds=seconds)
        told.append((start, started(trial.trial, trial.attempt, f"local-{worker}")))
        told.append((end, finished(trial.trial, trial.attempt, trial.state)))
        free[worker] = end + timedelta(seconds=1)
    with EventLog(run.events) as log:
        for moment, event in sorted(told, key=lambda pair: pair[0]):
            log.append(event.model_copy(update={"time": moment.isoformat(timespec="milliseconds")}))


def begun():
    return StudyStarted(
        run="x", dataset="digits", mode="health", objective="val_accuracy", trials=9, backend="b"
    )


def started(trial, attempt, worker):
    return TrialStarted(
        trial=trial,
        attempt=attempt,
        worker=worker,
        device="cpu",
        precision="32-true",
        hyperparameters={},
        parameters=1,
        epochs=1,
    )


def retried(trial, attempt, following):
    return TrialRetried(
        trial=trial,
        attempt=attempt,
        failure_kind="worker_died",
        message="gone",
        next_attempt=following,
    )


def finished(trial, attempt, state):
    return TrialFinished(
        trial=trial, attempt=attempt, state=state, score=None, epochs_run=1, seconds=1.0
    )
