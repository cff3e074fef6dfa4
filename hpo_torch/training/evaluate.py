"""Score a saved model on the official test set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.records import TestReport
from hpo_torch.training.devices import resolve_device
from hpo_torch.training.lightning_module import Classifier

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from torch import Tensor, nn

    from hpo_torch.config.schema import DataSettings


def evaluate_checkpoint(
    path: Path, settings: DataSettings, split_seed: int, device_name: str
) -> TestReport:
    """Classify the whole official test set, in float32, with the weights in `path`.

    Args:
        path: A checkpoint of `Classifier`.
        settings: Which data set, where.
        split_seed: The study's: it decides the training part, whose statistics normalise images
            and whose words are the vocabulary.
        device_name: As in the settings.
    """
    device = resolve_device(device_name)
    model = Classifier.load_from_checkpoint(path, map_location=device)
    loader = installed_registry().datasets.load(settings.dataset)
    hyperparameters = model.hparams["hyperparameters"]
    prepared = load_prepared(loader, settings, split_seed, device).for_trial(hyperparameters)
    batches = prepared.data_module(hyperparameters, seed=0).test_dataloader()
    confusion, loss = confusion_and_loss(model.network, batches, prepared.num_classes)
    return TestReport.from_confusion(confusion.tolist(), list(prepared.class_names), loss)


def confusion_and_loss(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], num_classes: int
) -> tuple[Tensor, float]:
    """Count (true, predicted) pairs and the mean cross-entropy in eval mode.

    Returns:
        int64 [C, C] counts (row: true class), on the CPU, and the loss in nats.
    """
    network.eval()
    confusion = torch.zeros(num_classes * num_classes, dtype=torch.int64)
    total = 0.0
    with torch.inference_mode():
        for inputs, labels in batches:
            logits = network(inputs)
            total += float(functional.cross_entropy(logits, labels, reduction="sum"))
            pairs = labels * num_classes + logits.argmax(dim=1)
            confusion += torch.bincount(pairs, minlength=len(confusion)).cpu()
    return confusion.reshape(num_classes, num_classes), total / max(int(confusion.sum()), 1)
