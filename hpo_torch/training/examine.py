"""Score the winner on the official test set, and keep what pictures and people will want of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from hpo_torch.data.originals import original_images, original_texts
from hpo_torch.results.mistakes import MOST_MISTAKES, Mistakes, beginning
from hpo_torch.results.predictions import Predictions, probability_type
from hpo_torch.results.scored_winner import ScoredWinner
from hpo_torch.training.evaluate import Examination
from hpo_torch.training.network_anatomy import describe_network, look_at_image

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.device_loader import DeviceLoader
    from hpo_torch.data.text_loader import TextLoader
    from hpo_torch.results.activation_maps import ActivationMaps


def examine_checkpoint(
    path: Path, settings: DataSettings, split_seed: int, device_name: str
) -> ScoredWinner:
    """Do what `evaluate_checkpoint` does, and keep what the same one pass over the test set said.

    Args:
        path: A checkpoint of `Classifier`.
        settings: Which data set, where.
        split_seed: The study's.
        device_name: As in the settings.
    """
    examination = Examination.of(path, settings, split_seed, device_name)
    gathered = _Gathered(examination.batches, examination.prepared.num_classes)
    report = examination.report(gathered.add)
    predictions = gathered.predictions
    # Any example tells the layers' shapes where the network is never right.
    shown = predictions.surest_correct()
    example = _inputs(examination.batches, 0 if shown is None else shown)
    return ScoredWinner(
        report=report,
        predictions=predictions,
        mistakes=_mistakes(examination, predictions),
        architecture=describe_network(examination.network, example),
        maps=_maps(examination, shown, example, predictions),
    )


class _Gathered:
    """The probabilities of a test set, put into its own order: texts come sorted by length."""

    def __init__(self, batches: DeviceLoader | TextLoader, num_classes: int) -> None:
        examples = len(batches.store)
        self._plan = iter(batches.plan())
        self.predictions = Predictions(
            probabilities=np.empty(
                (examples, num_classes), dtype=probability_type(examples, num_classes)
            ),
            labels=batches.store.labels.cpu().numpy(),
        )

    def add(self, logits: Tensor) -> None:
        """Take the next batch's logits [B, C]."""
        positions = next(self._plan).cpu().numpy()
        self.predictions.probabilities[positions] = logits.float().softmax(dim=1).cpu().numpy()


def _inputs(batches: DeviceLoader | TextLoader, position: int) -> Tensor:
    """Return one example of the test set as the network gets it, a batch of one."""
    place = torch.tensor([position], device=batches.plan()[0].device)
    return batches.store.batch(place)[0]


def _mistakes(examination: Examination, predictions: Predictions) -> Mistakes:
    positions = predictions.confident_mistakes(MOST_MISTAKES)
    images = original_images(examination.prepared, positions.tolist())
    texts = None
    if images is None:
        whole = original_texts(examination.loader, examination.settings, positions.tolist())
        texts = tuple(map(beginning, whole))
    return Mistakes(
        positions=positions,
        true=predictions.labels[positions],
        predicted=predictions.predicted[positions],
        probabilities=predictions.confidences[positions],
        images=None if images is None else images.contiguous().numpy(),
        texts=texts,
    )


def _maps(
    examination: Examination, shown: int | None, example: Tensor, predictions: Predictions
) -> ActivationMaps | None:
    images = None if shown is None else original_images(examination.prepared, [shown])
    if shown is None or images is None:
        return look_at_image(examination.network, None)
    image = images[0].contiguous().numpy()
    return look_at_image(examination.network, example, image, int(predictions.labels[shown]))
