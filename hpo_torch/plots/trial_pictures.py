"""The pictures of one trial: which there are, and what each is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.plots.dead_units import dead_units
from hpo_torch.plots.gate_saturation import gate_saturation
from hpo_torch.plots.gradient_flow import gradient_flow
from hpo_torch.plots.health import health_report
from hpo_torch.plots.picture import NothingToDrawError, Picture
from hpo_torch.plots.training import learning_curves
from hpo_torch.plots.training_animation import training_animation
from hpo_torch.plots.weight_distributions import weight_distributions
from hpo_torch.results.health_metrics import metric_weights

if TYPE_CHECKING:
    from matplotlib.animation import Animation
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


def _animation(subject: Subject) -> Animation:
    weights = metric_weights(subject.view.config.health)
    return training_animation(subject.shown_trial(), subject.epochs(), weights)


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
    Picture(
        name="gradient_flow",
        summary="gradient size over layers and epochs",
        of="trial",
        draw=lambda subject: gradient_flow(subject.shown_trial(), subject.epochs()),
    ),
    Picture(
        name="dead_units",
        summary="share of dead and dormant units in each layer by epoch",
        of="trial",
        draw=lambda subject: dead_units(subject.shown_trial(), subject.epochs()),
    ),
    Picture(
        name="weight_distributions",
        summary="quantiles of weights and biases by epoch",
        of="trial",
        draw=lambda subject: weight_distributions(subject.shown_trial(), subject.epochs()),
    ),
    Picture(
        name="gate_saturation",
        summary="how often an LSTM's gates are shut or open, by epoch",
        of="trial",
        draw=lambda subject: gate_saturation(subject.shown_trial(), subject.epochs()),
    ),
    Picture(
        name="training_animation",
        summary="the training as a moving picture: curves, layers and health",
        of="trial",
        draw=_animation,
        animated=True,
    ),
)
