"""Draw a run: every picture that its results allow, from its folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hpo_torch.plots.health import health_report
from hpo_torch.plots.model import confusion_matrix
from hpo_torch.plots.pareto import pareto_front
from hpo_torch.plots.study import hyperparameter_importance, optimization_history
from hpo_torch.plots.study_health import metric_ranges
from hpo_torch.plots.style import save
from hpo_torch.plots.training import learning_curves
from hpo_torch.results.health_metrics import metric_weights
from hpo_torch.results.health_report import study_health
from hpo_torch.results.summary import RunView
from hpo_torch.search.modes import health_value, optimises_two
from hpo_torch.search.objectives import References, find_objective
from hpo_torch.search.pareto import Point

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory

CURVES_FILE = "learning_curves.png"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture, drawn or not.

    Attributes:
        path: Where it lies, or would lie.
        skipped: Why it was not drawn; empty where it was.
    """

    path: Path
    skipped: str = ""


def draw_run(run: RunDirectory, which: Literal["all", "best", "none"]) -> list[Drawing]:
    """Draw the study and its best trial; with "all" also every trial's learning curves.

    Nothing is drawn that was not measured: such a picture is returned with the reason. "none"
    draws nothing.

    Raises:
        OutputError: A result cannot be read, or a picture cannot be written.
    """
    if which == "none":
        return []
    view = RunView(run)
    drawings = [_history(view), _importance(view), _front(view)]
    drawings += [*_best_trial(view), _metrics(view), _confusion(view)]
    if which == "all":
        drawings += [
            _drawn(run.trial_dir(trial.trial) / "plots" / CURVES_FILE, learning_curves(trial))
            for trial in view.trials
            if trial.epochs
        ]
    return drawings


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


def _drawn(path: Path, figure: Figure) -> Drawing:
    return Drawing(save(figure, path))


def _history(view: RunView) -> Drawing:
    path = view.directory.plots_dir / "optimization_history.png"
    if not view.trials:
        return Drawing(path, "no trial has finished")
    return _drawn(path, optimization_history(view.trials, goal_of(view.config)))


def _importance(view: RunView) -> Drawing:
    path = view.directory.plots_dir / "hyperparameter_importance.png"
    importance = None if view.summary is None else view.summary.parameter_importance
    if not importance:
        return Drawing(path, "importance was not computed: it needs more completed trials")
    return _drawn(path, hyperparameter_importance(importance))


def _front(view: RunView) -> Drawing:
    path = view.directory.plots_dir / "pareto_front.png"
    objective, completed = _points(view, "complete")
    if not completed:
        return Drawing(path, f"of no completed trial are both {objective} and health known")
    _, pruned = _points(view, "pruned")
    named, delta = _picks(view, {point.trial for point in completed})
    return _drawn(path, pareto_front(completed, pruned, objective, named=named, delta=delta))


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


def _best_trial(view: RunView) -> list[Drawing]:
    curves = view.directory.plots_dir / CURVES_FILE
    health = view.directory.plots_dir / "health.png"
    best = view.best
    if best is None:
        return [Drawing(path, "no trial has completed") for path in (curves, health)]
    return [_curves(best, curves), _health(best, health, metric_weights(view.config.health))]


def _curves(trial: TrialResult, path: Path) -> Drawing:
    if not trial.epochs:
        return Drawing(path, f"trial {trial.trial} recorded no epochs")
    return _drawn(path, learning_curves(trial))


def _health(trial: TrialResult, path: Path, weights: dict[str, float]) -> Drawing:
    if trial.measurements is None or not trial.measurements.health:
        return Drawing(path, f"no health was measured of trial {trial.trial}")
    return _drawn(path, health_report(trial.measurements, trial.trial, weights))


def _metrics(view: RunView) -> Drawing:
    path = view.directory.plots_dir / "health_metrics.png"
    report = study_health(view)
    if not report.metrics:
        return Drawing(path, "no health was measured of a completed trial")
    return _drawn(path, metric_ranges(report))


def _confusion(view: RunView) -> Drawing:
    path = view.directory.plots_dir / "confusion_matrix.png"
    if view.test_report is None:
        return Drawing(path, "no model was scored on the test set")
    return _drawn(path, confusion_matrix(view.test_report))
