"""Draw a run: every picture that its results allow, from its folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hpo_torch.plots.health import health_report
from hpo_torch.plots.model import confusion_matrix
from hpo_torch.plots.study import hyperparameter_importance, optimization_history
from hpo_torch.plots.style import save
from hpo_torch.plots.training import learning_curves
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from hpo_torch.config.schema import RunConfig
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
    drawings = [_history(view), _importance(view), *_best_trial(view), _confusion(view)]
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
    if search.mode == "simple":
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


def _best_trial(view: RunView) -> list[Drawing]:
    curves = view.directory.plots_dir / CURVES_FILE
    health = view.directory.plots_dir / "health.png"
    best = view.best
    if best is None:
        return [Drawing(path, "no trial has completed") for path in (curves, health)]
    return [_curves(best, curves), _health(best, health)]


def _curves(trial: TrialResult, path: Path) -> Drawing:
    if not trial.epochs:
        return Drawing(path, f"trial {trial.trial} recorded no epochs")
    return _drawn(path, learning_curves(trial))


def _health(trial: TrialResult, path: Path) -> Drawing:
    if trial.measurements is None or not trial.measurements.health:
        return Drawing(path, f"no health was measured of trial {trial.trial}")
    return _drawn(path, health_report(trial.measurements, trial.trial))


def _confusion(view: RunView) -> Drawing:
    path = view.directory.plots_dir / "confusion_matrix.png"
    if view.test_report is None:
        return Drawing(path, "no model was scored on the test set")
    return _drawn(path, confusion_matrix(view.test_report))
