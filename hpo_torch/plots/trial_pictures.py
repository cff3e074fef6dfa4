"""The pictures of one trial: which there are, and what each is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.plots.health import health_report
from hpo_torch.plots.picture import NothingToDrawError, Picture
from hpo_torch.plots.training import learning_curves
from hpo_torch.results.health_metrics import metric_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpo_torch.plots.picture import Subject


def _curves(subject: Subject) -> Figure:
    trial = subject.shown_trial()
    if not trial.epochs:
        raise NothingToDrawError(f"trial {trial.trial} recorded no epochs")
    return learning_curves(trial)


def _health(subject: Subject) -> Figure:
    trial = subject.shown_trial()
    if trial.measurements is None or not trial.measurements.health:
        raise NothingToDrawError(f"no health was measured of trial {trial.trial}")
    weights = metric_weights(subject.view.config.health)
    return health_report(trial.measurements, trial.trial, weights)


TRIAL_PICTURES: Final = (
    Picture(
        name="learning_curves",
        summary="loss, accuracy, overfitting gap and learning rate by epoch",
        of="trial",
        draw=_curves,
    ),
    Picture(
        name="health",
        summary="every health metric, and what is known of each layer",
        of="trial",
        draw=_health,
    ),
)
