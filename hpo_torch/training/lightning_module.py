"""The LightningModule around every network family: a classifier that trains and validates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch.nn import functional

from hpo_torch.models.build import build_network
from hpo_torch.training.optimizers import build_optimizer
from hpo_torch.training.schedules import build_schedule

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from lightning.pytorch.utilities.types import OptimizerLRScheduler
    from torch import Tensor

Batch = tuple["Tensor", "Tensor"]

_SMALLEST_PART = 2  # BatchNorm cannot train on a single example


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

    Attributes:
        stop_signal: Training ends at its next step when it is set.
        accumulate: Parts of a batch that go through the network one after another, to save memory.
        interrupted: Whether the signal has ended an epoch.
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
        self._smoothing = float(hyperparameters["label_smoothing"])
        self.stop_signal: threading.Event | None = None
        self.accumulate = 1
        self.interrupted = False
        self.train_tally = Tally(torch.device("cpu"))
        self.validation_tally = Tally(torch.device("cpu"))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map a batch of inputs, as `PreparedData` makes them, to logits [B, classes]."""
        logits: Tensor = self.network(inputs)
        return logits

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimiser and the schedule that the hyperparameters name."""
        values = self.hparams["hyperparameters"]
        optimizer = build_optimizer(values, self.network.named_parameters())
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = build_schedule(values, optimizer, steps)
        if schedule is None:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

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
        """Return the batch's mean loss; Lightning takes its gradient.

        The loss is the cross-entropy with the targets that `label_smoothing` leaves (C. Szegedy et
        al., "Rethinking the Inception Architecture for Computer Vision", 2016); what is counted is
        the plain one, which can be compared with the validation's.

        Of a divided batch, the gradients of all parts but the last are taken here. Each part's loss
        is weighted by its share of the examples, so that the sum of the gradients is the undivided
        batch's (Lightning's own accumulation weighs parts equally, and never divides a batch).
        Normalisation sees parts, and dropout draws in another order.
        """
        self.trainer.optimizers[0].zero_grad()
        *others, last = self._parts(batch)
        before = [self._take_gradient(self._share_of_loss(part, batch)) for part in others]
        return sum(before, start=self._share_of_loss(last, batch))

    def _parts(self, batch: Batch) -> list[Batch]:
        """Divide a batch into `accumulate` parts, fewer where they would be smaller than 2."""
        inputs, labels = batch
        parts = max(1, min(self.accumulate, len(labels) // _SMALLEST_PART))
        return list(zip(inputs.tensor_split(parts), labels.tensor_split(parts), strict=True))

    def _share_of_loss(self, part: Batch, batch: Batch) -> Tensor:
        inputs, labels = part
        logits = self.network(inputs)
        log_probabilities = logits.log_softmax(dim=1)
        loss = functional.nll_loss(log_probabilities, labels)
        self.train_tally.add(loss, logits, labels)
        if self._smoothing:
            spread = -log_probabilities.mean()
            loss = (1 - self._smoothing) * loss + self._smoothing * spread
        return loss * (len(labels) / len(batch[1]))

    def _take_gradient(self, loss: Tensor) -> Tensor:
        """Add the gradient of a loss, scaled as the precision demands; return its value."""
        # Forward ran under autocast, which backward should not.
        with torch.autocast(self.device.type, enabled=False):
            self.trainer.strategy.backward(loss, None)
        return loss.detach()

    def optimizer_zero_grad(self, *_: Any) -> None:
        """Do nothing: Lightning calls this after `training_step`, which has zeroed already."""

    def on_validation_epoch_start(self) -> None:
        """Start counting validation losses and answers."""
        self.validation_tally = Tally(self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Count the batch; return its logits [B, classes] for callbacks to look at."""
        inputs, labels = batch
        logits: Tensor = self.network(inputs)
        self.validation_tally.add(functional.cross_entropy(logits, labels), logits, labels)
        return logits
