"""How well a trained model does on labelled examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from hpo_torch.results.records import TestReport

if TYPE_CHECKING:
    from hpo_torch.inference.labelled import Labelled
    from hpo_torch.inference.trained_model import TrainedModel


def score(model: TrainedModel, examples: Labelled, *, mirrored: bool = False) -> TestReport:
    """Classify at least one example and count what is right; classes without examples count 0.

    Args:
        model: Scored.
        examples: Of its classes.
        mirrored: Classify the mirror image of each image too, and take the mean of both logits.
    """
    logits = model.logits(examples.inputs)
    if mirrored:
        pixels = examples.inputs
        if not isinstance(pixels, torch.Tensor):
            raise TypeError("expected images, got texts")
        logits = (logits + model.logits(pixels.flip(-1))) / 2
    labels, classes = examples.labels.cpu(), len(model.class_names)
    pairs = labels * classes + logits.argmax(dim=1)
    confusion = torch.bincount(pairs, minlength=classes * classes).view(classes, classes)
    loss = float(functional.cross_entropy(logits.double(), labels))
    return TestReport.from_confusion(confusion.tolist(), list(model.class_names), loss)
