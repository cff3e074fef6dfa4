"""What health was worth in a run: its influence, what its metrics said, what it stopped."""

from __future__ import annotations

from statistics import pstdev
from typing import TYPE_CHECKING, Final

from pydantic import Field

from hpo_torch.protocol.events import HEALTH_STOP, HealthAlert
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.atomic_files import write_text
from hpo_torch.results.event_log import read_events
from hpo_torch.results.health_metrics import MetricFigures, metric_figures
from hpo_torch.results.summary import winner_of
from hpo_torch.search.modes import health_value, optimises_two
from hpo_torch.search.objectives import References, find_objective

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.summary import RunView

FILE: Final = "health_report.json"
NEAR_BEST: Final = 0.05
"""Validation accuracy below the best one's up to which trials count as rivals."""
_MOST_CHECKS = 200


class Influence(Frozen):
    """How far health decided the ranking, in mode health.

    The score is (1 - w) O + w H, so that each part ranks by its weight times its spread:
    I = w sd(H) / (w sd(H) + (1 - w) sd(O)).

    Attributes:
        trials: How many it is of.
        objective_deviation: sd(O).
        health_deviation: sd(H).
        share: I, 0..1; None with fewer than two trials, or where neither varies.
    """

    trials: int
    objective_deviation: float | None
    health_deviation: float | None
    share: float | None = Field(ge=0.0, le=1.0)


class Comparison(Frozen):
    """The search's leaders, beside those that the objective alone would have had.

    Attributes:
        winner: The trial that won, by number.
        without_health: The one with the best objective.
        checked: After how many trials they were compared: after every one, of long searches after
            some 200.
        changed: How often they differed.
    """

    winner: int
    without_health: int
    checked: int
    changed: int


class TrialAlerts(Frozen):
    """What was told of one trial's health.

    Attributes:
        messages: In order, each once.
        stopped: Why it was stopped for its health; None where it was not.
    """

    trial: int
    messages: list[str]
    stopped: str | None = None


class StudyHealth(Frozen):
    """What health was worth in a run: health_report.json.

    Attributes:
        health_weight: w; None in other modes than health.
        influence: Over all completed trials; None in other modes than health.
        influence_near_best: Over those within `near_best` of the best validation accuracy.
        comparison: None before a trial has completed, or where health is itself the objective.
        metrics: In the order of the trials' readings.
        health_seconds: Spent on measuring health.
        training_seconds: Spent on training and validation.
        alerts: By trial; only of trials that there is something to say of.
    """

    run: str
    mode: str
    objective: str
    completed: int
    health_weight: float | None
    influence: Influence | None
    influence_near_best: Influence | None
    near_best: float = NEAR_BEST
    comparison: Comparison | None
    metrics: list[MetricFigures]
    health_seconds: float
    training_seconds: float
    alerts: list[TrialAlerts]

    @property
    def health_share(self) -> float | None:
        """Seconds of health by seconds of training; None before an epoch has ended."""
        return self.health_seconds / self.training_seconds if self.training_seconds else None


def study_health(view: RunView) -> StudyHealth:
    """Compute the report from the run's folder alone.

    Raises:
        OutputError: A result or the log of events is damaged.
        UnknownNameError: No installed plugin offers the run's objective.
    """
    search = view.config.search
    completed = [t for t in view.trials if t.state == "complete" and t.measurements is not None]
    weight = search.health_weight if search.mode == "health" else None
    alone = find_objective(search.optimize_for).health_only
    objectives = {} if alone else _objectives(view, completed)
    known = [trial for trial in completed if trial.trial in objectives]
    weighed = None if alone else weight
    epochs = [epoch for trial in view.trials for epoch in trial.epochs]
    return StudyHealth(
        run=view.name,
        mode=search.mode,
        objective=search.optimize_for,
        completed=len(completed),
        health_weight=weighed,
        influence=_influence(known, objectives, weighed),
        influence_near_best=_influence(near_best(known), objectives, weighed),
        comparison=_comparison(known, objectives, search),
        metrics=metric_figures(completed, view.config.health),
        health_seconds=sum(epoch.health_seconds for epoch in epochs),
        training_seconds=sum(epoch.seconds for epoch in epochs),
        alerts=_alerts(view),
    )


def write_health_report(view: RunView) -> StudyHealth:
    """Compute the report and write health_report.json; raises as `study_health`."""
    report = study_health(view)
    write_text(health_report_path(view), report.model_dump_json(indent=2) + "\n")
    return report


def health_report_path(view: RunView) -> Path:
    """Return where the report lies, or would lie."""
    return view.directory.path / FILE


def near_best(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """Return the trials within 0.05 of the best validation accuracy."""
    accuracies = {t.trial: t.measurements.val_accuracy for t in trials if t.measurements}
    floor = max(accuracies.values(), default=0.0) - NEAR_BEST
    return [trial for trial in trials if accuracies[trial.trial] >= floor]


def _objectives(view: RunView, completed: Sequence[TrialResult]) -> dict[int, float]:
    """Return what the objective alone says of each trial; those that it cannot judge are absent."""
    search = view.config.search
    if optimises_two(search):
        return {t.trial: t.score for t in completed if t.score is not None}
    objective = find_objective(search.optimize_for)
    references = References(**(view.summary.references if view.summary else {}))
    values = {
        trial.trial: objective.score(trial.measurements, references)
        for trial in completed
        if trial.measurements is not None
    }
    return {trial: value for trial, value in values.items() if value is not None}


def _influence(
    trials: Sequence[TrialResult], objectives: dict[int, float], weight: float | None
) -> Influence | None:
    if weight is None:
        return None
    found = [objectives[trial.trial] for trial in trials]
    return influence(found, [health_value(trial.measurements) for trial in trials], weight)


def influence(objectives: Sequence[float], healths: Sequence[float], weight: float) -> Influence:
    """Return how far health decides a ranking by (1 - w) O + w H.

    Args:
        objectives: O of each trial, 0..1.
        healths: H of each trial, 0..1.
        weight: w, 0..1.
    """
    if not objectives:
        return Influence(trials=0, objective_deviation=None, health_deviation=None, share=None)
    objective, health = pstdev(objectives), pstdev(healths)
    whole = weight * health + (1.0 - weight) * objective
    return Influence(
        trials=len(objectives),
        objective_deviation=objective,
        health_deviation=health,
        share=weight * health / whole if whole > 0.0 else None,
    )


def _comparison(
    trials: Sequence[TrialResult], objectives: dict[int, float], search: SearchSettings
) -> Comparison | None:
    """Compare leaders after every trial, in the order of the trials' numbers."""
    if not trials:
        return None
    every = -(-len(trials) // _MOST_CHECKS)
    counts = sorted({*range(every, len(trials) + 1, every), len(trials)})
    pairs = []
    for count in counts:
        so_far = trials[:count]
        winner = winner_of(so_far, search)
        alone = max(so_far, key=lambda trial: (objectives[trial.trial], -trial.trial))
        if winner is not None:
            pairs.append((winner.trial, alone.trial))
    if not pairs:
        return None
    return Comparison(
        winner=pairs[-1][0],
        without_health=pairs[-1][1],
        checked=len(pairs),
        changed=sum(winner != alone for winner, alone in pairs),
    )


def _alerts(view: RunView) -> list[TrialAlerts]:
    path = view.directory.events
    messages: dict[int, list[str]] = {}
    for event in read_events(path, "health_alert") if path.exists() else ():
        if isinstance(event, HealthAlert):
            messages.setdefault(event.trial, []).append(event.message)
    stopped = {
        trial.trial: trial.message.removeprefix(HEALTH_STOP)
        for trial in view.trials
        if trial.state == "complete" and trial.message.startswith(HEALTH_STOP)
    }
    return [
        TrialAlerts(
            trial=trial,
            messages=list(dict.fromkeys(messages.get(trial, []))),
            stopped=stopped.get(trial),
        )
        for trial in sorted({*messages, *stopped})
    ]
