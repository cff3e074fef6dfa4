"""Score a saved model on the official test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from hpo_torch.data.load import load_prepared
from hpo_torch.data.originals import all_test_texts
from hpo_torch.data.trained_elsewhere import with_inputs_of
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.records import TestReport
from hpo_torch.training.devices import resolve_device
from hpo_torch.training.lightning_module import Classifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import Tensor, nn

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.device_loader import DeviceLoader
    from hpo_torch.data.prepared import PreparedData
    from hpo_torch.data.spec import DatasetLoader
    from hpo_torch.data.text_loader import TextLoader


@dataclass(frozen=True, slots=True)
class Examination:
    """A saved network before the test set that it is to be scored on.

    Attributes:
        network: The network, on the data's device.
        prepared: The data set as the network sees it.
        batches: The whole official test set.
        loader: Where the data came from.
        settings: Likewise.
    """

    network: nn.Module
    prepared: PreparedData
    batches: DeviceLoader | TextLoader
    loader: DatasetLoader
    settings: DataSettings

    @classmethod
    def of(
        cls, path: Path, settings: DataSettings, split_seed: int, device_name: str
    ) -> Examination:
        """Load a checkpoint of `Classifier` and the data; see `evaluate_checkpoint`."""
        device = resolve_device(device_name)
        model = Classifier.load_from_checkpoint(path, map_location=device)
        loader = installed_registry().datasets.load(settings.dataset)
        hyperparameters = model.hparams["hyperparameters"]
        whole = load_prepared(loader, settings, split_seed, device).for_trial(hyperparameters)
        prepared = with_inputs_of(
            whole, model.hparams["input_spec"], lambda: all_test_texts(loader, settings)
        )
        batches = prepared.data_module(hyperparameters, seed=0).test_dataloader()
        return cls(model.network, prepared, batches, loader, settings)

    def report(self, see: Callable[[Tensor], None] | None = None) -> TestReport:
        """Classify the whole test set; `see` as of `confusion_and_loss`."""
        prepared = self.prepared
        confusion, loss = confusion_and_loss(self.network, self.batches, prepared.num_classes, see)
        return TestReport.from_confusion(confusion.tolist(), list(prepared.class_names), loss)


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
    return Examination.of(path, settings, split_seed, device_name).report()


def confusion_and_loss(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    num_classes: int,
    see: Callable[[Tensor], None] | None = None,
) -> tuple[Tensor, float]:
    """Count (true, predicted) pairs and the mean cross-entropy in eval mode.

    Args:
        network: From inputs to logits.
        batches: Of inputs and labels.
        num_classes: C.
        see: Takes the logits [B, C] of every batch.

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
            if see is not None:
                see(logits)
    return confusion.reshape(num_classes, num_classes), total / max(int(confusion.sum()), 1)
