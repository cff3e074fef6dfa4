"""The pictures of a whole study: which there are, and what each is drawn from."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from hpo_torch.plots.activations import activations
from hpo_torch.plots.contour import contour
from hpo_torch.plots.parallel import parallel_coordinates
from hpo_torch.plots.pareto import pareto_front
from hpo_torch.plots.picture import NothingToDrawError, Picture
from hpo_torch.plots.scores import scored
from hpo_torch.plots.slices import slices
from hpo_torch.plots.study import hyperparameter_importance, optimization_history
from hpo_torch.plots.study_health import metric_ranges
from hpo_torch.plots.timeline import timeline
from hpo_torch.results.attempts import read_attempts
from hpo_torch.results.health_report import study_health
from hpo_torch.results.searched import searched_hyperparameters
from hpo_torch.search.families import FAMILIES
from hpo_torch.search.modes import health_value, optimises_two
from hpo_torch.search.objectives import References, find_objective
from hpo_torch.search.pareto import Point

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.plots.picture import Subject
    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.searched import Searched
    from hpo_torch.results.summary import RunView

_MOST_COORDINATES = 8


def goal_of(config: RunConfig) -> str:
    """Return what a run's score is of.

    >>> from hpo_torch.config.schema import RunConfig
    >>> goal_of(RunConfig())
    'val_accuracy, 30 % health'
    """
    search = config.search
    if search.mode != "health":
        return search.optimize_for
    return f"{search.optimize_for}, {100 * search.health_weight:.4g} % health"


def _history(subject: Subject) -> Figure:
    view = subject.view
    if not view.trials:
        raise NothingToDrawError("no trial has finished")
    return optimization_history(view.trials, goal_of(view.config))


def _importance(subject: Subject) -> Figure:
    summary = subject.view.summary
    importance = None if summary is None else summary.parameter_importance
    if not importance:
        raise NothingToDrawError("importance was not computed: it needs more completed trials")
    return hyperparameter_importance(importance)


def _front(subject: Subject) -> Figure:
    view = subject.view
    objective, completed = _points(view, "complete")
    if not completed:
        raise NothingToDrawError(f"of no completed trial are both {objective} and health known")
    _, pruned = _points(view, "pruned")
    named, delta = _picks(view, {point.trial for point in completed})
    return pareto_front(completed, pruned, objective, named=named, delta=delta)


def _picks(view: RunView, known: set[int]) -> tuple[dict[str, int], float | None]:
    """Return the trials to be ringed by what they are, and delta where it has a part."""
    search = view.config.search
    if optimises_two(search) and view.front is not None and view.front.picks is not None:
        picks = view.front.picks
        named = {
            "healthiest within delta": picks.healthiest_within_delta,
            f"best {search.optimize_for}": picks.best_objective,
        }
        delta: float | None = search.delta
    else:
        named, delta = ({"winner": view.best.trial} if view.best else {}), None
    return {name: trial for name, trial in named.items() if trial in known}, delta


def _points(view: RunView, state: TrialState) -> tuple[str, list[Point]]:
    """Return the objective's name, and the values of trials whose health is known.

    Where the objective is a measure of health itself, validation accuracy stands for it. Where
    objective and health are two, unknown health is 0, as in the summary.
    """
    two = optimises_two(view.config.search)
    objective = find_objective(view.config.search.optimize_for)
    if objective.health_only:
        objective = find_objective("val_accuracy")
    references = References() if view.summary is None else view.summary.references
    points = []
    for trial in view.trials:
        m = trial.measurements
        if trial.state == state and m is not None and (two or m.overall_health is not None):
            value = objective.score(m, References.model_validate(references))
            if value is not None:
                points.append(Point(trial.trial, value, health_value(m)))
    return objective.name, points


def _metrics(subject: Subject) -> Figure:
    report = study_health(subject.view)
    if not report.metrics:
        raise NothingToDrawError("no health was measured of a completed trial")
    return metric_ranges(report)


def _coordinates(subject: Subject) -> Figure:
    view = subject.view
    _check_completed(view)
    found = _searched(view, "complete", "pruned")
    if any(searched.importance is not None for searched in found):
        found = found[:_MOST_COORDINATES]
    return parallel_coordinates(view.trials, found, goal_of(view.config), _winner(view))


def _slices(subject: Subject) -> Figure:
    view = subject.view
    found = _searched(view, "complete", "pruned", "failed")
    return slices(view.trials, found, goal_of(view.config), _winner(view))


def _contour(subject: Subject) -> Figure:
    view = subject.view
    _check_completed(view)
    numeric = [searched for searched in _searched(view, "complete") if searched.numeric]
    completed = {trial.trial for trial, _ in scored(view.trials, "complete")}
    for first, second in combinations(numeric, 2):
        both = completed & first.values.keys() & second.values.keys()
        if len(both) >= len(completed) / 2:
            return contour(view.trials, (first, second), goal_of(view.config), _winner(view))
    raise NothingToDrawError(
        "no two numeric hyperparameters differ between completed trials and apply to half of them"
    )


def _timeline(subject: Subject) -> Figure:
    attempts = read_attempts(subject.view.directory.events)
    if not attempts.attempts:
        raise NothingToDrawError("the event log tells of no trial")
    return timeline(attempts)


def _activations(subject: Subject) -> Figure:
    view = subject.view
    _check_completed(view)
    names = FAMILIES[view.trials[0].family].activations
    found = [each for each in searched_hyperparameters(view) if each.name in names]
    if not found:
        used = ", ".join(
            f"{name} is {value}"
            for name, value in view.trials[0].hyperparameters.items()
            if name in names
        )
        raise NothingToDrawError(f"no activation differs between trials: {used}")
    return activations(view.trials, found, goal_of(view.config))


def _check_completed(view: RunView) -> None:
    if not scored(view.trials, "complete"):
        raise NothingToDrawError("no trial has completed")


def _searched(view: RunView, *states: TrialState) -> list[Searched]:
    """Return what differs between trials of these states; raises NothingToDrawError if nothing."""
    if not view.trials:
        raise NothingToDrawError("no trial has finished")
    found = searched_hyperparameters(view, states)
    if not found:
        raise NothingToDrawError("no searched hyperparameter differs between trials")
    return found


def _winner(view: RunView) -> int | None:
    return None if view.best is None else view.best.trial


STUDY_PICTURES: Final = (
    Picture(
        name="optimization_history",
        summary="every trial's score, how it ended, and the best so far",
        of="study",
        draw=_history,
    ),
    Picture(
        name="hyperparameter_importance",
        summary="each hyperparameter's share of the score's variation",
        of="study",
        draw=_importance,
    ),
    Picture(
        name="pareto_front",
        summary="objective against health, and who is on the front",
        of="study",
        draw=_front,
    ),
    Picture(
        name="health_metrics",
        summary="what each health metric said of all trials",
        of="study",
        draw=_metrics,
    ),
    Picture(
        name="parallel_coordinates",
        summary="every trial as a line over the most important hyperparameters, by score",
        of="study",
        draw=_coordinates,
    ),
    Picture(
        name="slices",
        summary="score against each of the most important hyperparameters",
        of="study",
        draw=_slices,
    ),
    Picture(
        name="contour",
        summary="score over the two most important numeric hyperparameters",
        of="study",
        draw=_contour,
    ),
    Picture(
        name="timeline",
        summary="which worker trained what and when, retries and pauses included",
        of="study",
        draw=_timeline,
    ),
    Picture(
        name="activations",
        summary="score by activation function",
        of="study",
        draw=_activations,
    ),
)
