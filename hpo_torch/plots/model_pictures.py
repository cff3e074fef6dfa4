"""The pictures of the model in best_model/: which there are, and what each is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hpo_torch.plots.architecture import architecture
from hpo_torch.plots.calibration import calibration
from hpo_torch.plots.feature_maps import activation_maps, first_filters
from hpo_torch.plots.mistakes import confident_mistakes
from hpo_torch.plots.model import confusion_matrix
from hpo_torch.plots.picture import NothingToDrawError, Picture
from hpo_torch.results.activation_maps import ActivationMaps
from hpo_torch.results.architecture import Architecture
from hpo_torch.results.mistakes import Mistakes
from hpo_torch.results.predictions import Predictions
from hpo_torch.results.records import read_record
from hpo_torch.results.reliability import Reliability

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from hpo_torch.plots.picture import Subject
    from hpo_torch.results.records import TestReport


def _report(subject: Subject) -> TestReport:
    report = subject.view.test_report
    if report is None:
        raise NothingToDrawError("no model was scored on the test set")
    return report


def _kept(subject: Subject, path: Path) -> Path:
    """Return the path of a file that scoring leaves, which is there."""
    _report(subject)
    if not path.exists():
        raise NothingToDrawError(f"best_model/ has no {path.name}")
    return path


def _confusion(subject: Subject) -> Figure:
    return confusion_matrix(_report(subject))


def _calibration(subject: Subject) -> Figure:
    kept = Predictions.read(_kept(subject, subject.view.directory.test_predictions))
    confidences = kept.confidences
    if not np.isfinite(confidences).all():
        raise NothingToDrawError("the model's outputs on the test set are not all numbers")
    return calibration(Reliability.of(confidences, kept.correct))


def _mistakes(subject: Subject) -> Figure:
    mistakes = Mistakes.read(_kept(subject, subject.view.directory.confident_mistakes))
    report = _report(subject)
    if not len(mistakes):
        raise NothingToDrawError(
            "the model makes no mistake on the test set"
            if report.correct == report.examples
            else "the model's outputs on the test set are not all numbers"
        )
    return confident_mistakes(mistakes, report.class_names, report.examples - report.correct)


def _network(subject: Subject) -> Architecture:
    return read_record(_kept(subject, subject.view.directory.architecture), Architecture)


def _architecture(subject: Subject) -> Figure:
    best = subject.view.best
    pooling = None if best is None else best.hyperparameters.get("pooling")
    return architecture(_network(subject), pooling)


def _maps(subject: Subject) -> ActivationMaps:
    if not _network(subject).convolutional:
        raise NothingToDrawError("the network has no convolutions")
    return ActivationMaps.read(_kept(subject, subject.view.directory.activation_maps))


def _filters(subject: Subject) -> Figure:
    return first_filters(_maps(subject))


def _activations(subject: Subject) -> Figure:
    maps = _maps(subject)
    if maps.image is None:
        raise NothingToDrawError("there is no example that the network is right about")
    return activation_maps(maps, maps.image, _report(subject).class_names)


MODEL_PICTURES: Final = (
    Picture(
        name="confusion_matrix",
        summary="which classes the best model takes for others on the test set",
        of="model",
        draw=_confusion,
    ),
    Picture(
        name="calibration",
        summary="is the best model as often right as it says it is, on the test set",
        of="model",
        draw=_calibration,
    ),
    Picture(
        name="confident_mistakes",
        summary="images or texts that the best model is surest of, and wrong",
        of="model",
        draw=_mistakes,
    ),
    Picture(
        name="architecture",
        summary="the best model's layers with output shapes and parameters",
        of="model",
        draw=_architecture,
    ),
    Picture(
        name="filters",
        summary="what the first convolution of the best model looks for",
        of="model",
        draw=_filters,
    ),
    Picture(
        name="activation_maps",
        summary="what each convolution block of the best model sees in one image",
        of="model",
        draw=_activations,
    ),
)
