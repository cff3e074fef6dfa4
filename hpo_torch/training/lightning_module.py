"""The LightningModule around every network family: a classifier that trains and validates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch.nn import functional

from hpo_torch.models.build import build_network
from hpo_torch.training.optimizers import build_optimizer

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from torch import Tensor

Batch = tuple["Tensor", "Tensor"]


class Tally:
    """Sum of losses and of correct answers on the device: no host sync until it is read."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._examples = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch; `loss` is its mean."""
        self._loss += loss.detach().float() * len(labels)
        self._correct += (logits.detach().argmax(dim=1) == labels).sum()
        self._examples += len(labels)

    def read(self) -> tuple[float, float]:
        """Return mean loss (nats) and accuracy (0..1); one host sync."""
        examples = max(self._examples, 1)
        return float(self._loss) / examples, int(self._correct) / examples


class Classifier(LightningModule):
    """A network of one family, built from hyperparameters, that learns class labels.

    Everything needed to build it again is in its checkpoint, so that
    `Classifier.load_from_checkpoint(path)` needs nothing else.

    Args:
        family: Model family: "cnn" or "lstm".
        hyperparameters: Every hyperparameter by name; architecture and optimiser read them.
        input_spec: What turns raw examples into inputs: `PreparedData.input_spec`.
        class_names: One per class.
    """

    def __init__(
        self,
        family: str,
        hyperparameters: Mapping[str, Any],
        input_spec: Mapping[str, Any],
        class_names: Sequence[str],
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = build_network(
            family, dict(hyperparameters), tuple(input_spec["shape"]), len(class_names)
        )
        self.stop_signal: threading.Event | None = None
        self.interrupted = False
        self.train_tally = Tally(torch.device("cpu"))
        self.validation_tally = Tally(torch.device("cpu"))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map a batch of inputs, as `PreparedData` makes them, to logits [B, classes]."""
        logits: Tensor = self.network(inputs)
        return logits

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimiser that the hyperparameters name."""
        return build_optimizer(self.hparams["hyperparameters"], self.network.named_parameters())

    def on_train_epoch_start(self) -> None:
        """Start counting the epoch's losses and answers."""
        self.train_tally = Tally(self.device)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> int | None:
        """End the epoch at once (-1) when the study has asked for this trial to stop."""
        if self.stop_signal is not None and self.stop_signal.is_set():
            self.interrupted = True
            self.trainer.should_stop = True
            return -1
        return None

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the batch's mean cross-entropy."""
        inputs, labels = batch
        logits = self.network(inputs)
        loss = functional.cross_entropy(logits, labels)
        self.train_tally.add(loss, logits, labels)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Start counting validation losses and answers."""
        self.validation_tally = Tally(self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count the batch."""
        inputs, labels = batch
        logits = self.network(inputs)
        self.validation_tally.add(functional.cross_entropy(logits, labels), logits, labels)
