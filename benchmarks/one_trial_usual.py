"""The same network in a usual Lightning module: a contender of one_trial.py.

Written as a tutorial writes it: images are PIL images, made ready one by one by torchvision's
ToTensor and Normalize in a `DataLoader` (from memory: decoding files would come on top), texts are
lists of numbers, padded in a collate function; loss and accuracy are logged at every step to
Lightning's default logger; the best epoch is kept by ModelCheckpoint; AdamW as torch makes it; the
network in torch's default memory format. There is no progress bar, as its output is not seen here.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from hpo_torch.models.build import build_network
from hpo_torch.models.size import count_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightning import LightningModule, Trainer
    from lightning.pytorch.utilities.types import OptimizerLRScheduler
    from numpy.typing import NDArray
    from one_trial_task import Arrays, Task
    from torch import Tensor

    Batch = tuple[Tensor, Tensor]


class PilImages(Dataset[Any]):
    """Images of a data set, one at a time, as torchvision's own data sets are."""

    def __init__(self, pixels: NDArray[Any], labels: NDArray[Any], transform: Any) -> None:
        last = pixels.transpose(0, 2, 3, 1)
        self._images = last[..., 0] if last.shape[3] == 1 else last
        self._labels, self._transform = labels.tolist(), transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._images[index])), self._labels[index]


class TokenLists(Dataset[Any]):
    """Texts of a data set, one at a time, as lists of token ids."""

    def __init__(self, ids: NDArray[Any], labels: NDArray[Any]) -> None:
        self._texts = [row[row != 0].tolist() for row in ids]
        self._labels = labels.tolist()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[list[int], int]:
        return self._texts[index], self._labels[index]


def pad(examples: Sequence[tuple[list[int], int]]) -> Batch:
    """Collate texts: pad them with 0 to the longest one's length."""
    longest = max(len(text) for text, _ in examples)
    padded = [text + [0] * (longest - len(text)) for text, _ in examples]
    return torch.tensor(padded), torch.tensor([label for _, label in examples])


class UsualModule(lightning.LightningModule):
    """A network, its loss, and its optimiser."""

    def __init__(self, task: Task, arrays: Arrays) -> None:
        super().__init__()
        self.values = task.hyperparameters
        shape = tuple(arrays.input_shape.tolist())
        network = build_network(task.family, self.values, shape, int(arrays.classes))
        self.network = network.to(memory_format=torch.contiguous_format)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss."""
        inputs, labels = batch
        logits = self.network(inputs)
        smoothing = self.values["label_smoothing"]
        loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        self.log("train_loss", loss)
        self.log("train_accuracy", (logits.argmax(dim=1) == labels).float().mean())
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log loss and accuracy."""
        inputs, labels = batch
        logits = self.network(inputs)
        self.log("val_loss", functional.cross_entropy(logits, labels))
        self.log("val_accuracy", (logits.argmax(dim=1) == labels).float().mean())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW, and the schedule if there is one.

        Raises:
            ValueError: The default configuration has another optimiser or schedule by now.
        """
        values = self.values
        if values["optimizer"] != "adamw" or values["schedule"] not in ("constant", "one_cycle"):
            raise ValueError(f"not written here: {values['optimizer']}, {values['schedule']}")
        rate = values["learning_rate"]
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=rate, weight_decay=values["weight_decay"]
        )
        if values["schedule"] == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, cycle_momentum=False)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class EpochClock(Callback):
    """Notes when each epoch begins, and when the last one ends."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time."""
        self.marks.append(time.perf_counter())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time."""
        self.marks.append(time.perf_counter())


def loaders(task: Task, arrays: Arrays) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Return what the network trains on, and what it validates on."""
    training = arrays.train_inputs, arrays.train_labels
    validation = arrays.validation_inputs, arrays.validation_labels
    options: dict[str, Any] = {
        "num_workers": task.workers,
        "persistent_workers": task.workers > 0,
    }
    sets: list[Dataset[Any]]
    if task.family == "lstm":
        sets = [TokenLists(*training), TokenLists(*validation)]
        options["collate_fn"] = pad
    else:
        normalise = transforms.Normalize(arrays.mean.tolist(), arrays.std.tolist())
        transform = transforms.Compose([transforms.ToTensor(), normalise])
        sets = [PilImages(*training, transform), PilImages(*validation, transform)]
    batch_size = task.hyperparameters["batch_size"]
    return (
        DataLoader(sets[0], batch_size, shuffle=True, **options),
        DataLoader(sets[1], int(arrays.validation_batch), **options),
    )


def train(task: Task) -> dict[str, Any]:
    """Train as a tutorial does."""
    torch.set_num_threads(task.threads)
    lightning.seed_everything(task.seed)
    arrays = task.arrays()
    module, clock = UsualModule(task, arrays), EpochClock()
    trainer = lightning.Trainer(
        max_epochs=task.epochs,
        accelerator="cpu",
        devices=1,
        callbacks=[clock, ModelCheckpoint(monitor="val_accuracy", mode="max")],
        default_root_dir=task.folder,
        enable_progress_bar=False,
    )
    trainer.fit(module, *loaders(task, arrays))
    return {
        "epochs": [later - earlier for earlier, later in pairwise(clock.marks)],
        "val_accuracy": float(trainer.callback_metrics["val_accuracy"]),
        "parameters": count_parameters(module.network),
    }
