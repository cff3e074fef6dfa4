"""The front of objective and health among a run's trials: who is on it, its size, the picks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hpo_torch.protocol.measurements import Frozen
from hpo_torch.search.modes import health_value, optimises_two
from hpo_torch.search.objectives import find_objective
from hpo_torch.search.pareto import Point, best_objective, front, healthiest_within, hypervolume

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.results.records import TrialResult


class FrontTrial(Frozen):
    """A trial on the front; both values are 0..1.

    Attributes:
        health: overall_health; 0 where too little of it was measured.
    """

    trial: int
    objective: float
    health: float


class Picks(Frozen):
    """The two trials of the front that have names, by number; they may be one.

    Attributes:
        healthiest_within_delta: The healthiest whose objective is at most delta below the best:
            the run's winner.
        best_objective: The one with the best objective.
    """

    healthiest_within_delta: int
    best_objective: int


class Front(Frozen):
    """The completed trials that no other one beats in objective and health.

    Attributes:
        trials: By falling objective; trials with equal values are all there.
        reference: (objective, health) from which the hypervolume is measured: (A0, 0) with A0 the
            majority class's share of the validation examples where the objective is an accuracy;
            else, and where no trial's skill tells A0, (0, 0).
        hypervolume: Area of what is better than the reference and not better than all trials, 0..1.
        delta: How far below the best objective the healthiest may be.
        picks: None without trials.
    """

    trials: list[FrontTrial]
    reference: tuple[float, float]
    hypervolume: float = Field(ge=0.0, le=1.0)
    delta: float
    picks: Picks | None


def points_of(trials: Iterable[TrialResult]) -> list[Point]:
    """Return objective and health of every completed trial, in a mode of two objectives."""
    return [
        Point(trial.trial, trial.score, health_value(trial.measurements))
        for trial in trials
        if trial.state == "complete" and trial.score is not None
    ]


def on_front(trials: Iterable[TrialResult]) -> set[int]:
    """Return the numbers of the trials on the front."""
    return {point.trial for point in front(points_of(trials))}


def front_of(trials: Sequence[TrialResult], search: SearchSettings) -> Front | None:
    """Return the front of a run's trials; None in modes of one objective."""
    if not optimises_two(search):
        return None
    points = points_of(trials)
    is_accuracy = find_objective(search.optimize_for).is_accuracy
    reference = (chance_level(trials) if is_accuracy else 0.0, 0.0)
    healthiest, best = healthiest_within(points, search.delta), best_objective(points)
    return Front(
        trials=[
            FrontTrial(trial=point.trial, objective=point.objective, health=point.health)
            for point in front(points)
        ],
        reference=reference,
        hypervolume=hypervolume(points, reference),
        delta=search.delta,
        picks=Picks(healthiest_within_delta=healthiest.trial, best_objective=best.trial)
        if healthiest is not None and best is not None
        else None,
    )


def chance_level(trials: Iterable[TrialResult]) -> float:
    """Return A0, the majority class's share, from a trial's accuracy A and skill s.

    s = (A - A0) / (1 - A0), so that A0 = (A - s) / (1 - s). Of the trials with 0 < s < 1 the one
    with the least skill says it most exactly. Rounded to 12 digits, which is all that floats leave
    of it; 0 where there is no such trial.
    """
    known = [
        (m.skill, m.val_accuracy)
        for m in (trial.measurements for trial in trials)
        if m is not None and 0.0 < m.skill < 1.0
    ]
    if not known:
        return 0.0
    skill, accuracy = min(known)
    return max(0.0, round((accuracy - skill) / (1.0 - skill), 12))
