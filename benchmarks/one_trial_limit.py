"""The least code that trains the same network: a hand-written loop, a contender of one_trial.py.

Data are tensors in memory, ready for the network before the first epoch (images normalised, as
floats, channels last, so that a batch is rows copied by index); texts come in batches of like
length, as the product's do. Loss, backward, step, and validation after each epoch: nothing else.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.nn import functional

from hpo_torch.models.build import build_network
from hpo_torch.models.size import count_parameters
from hpo_torch.training.optimizers import build_optimizer
from hpo_torch.training.schedules import build_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from one_trial_task import Arrays, Task
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    Batches = Iterator[tuple[Tensor, Tensor]]

BATCHES_A_POOL = 50  # within which texts are sorted by length; the product's


class Examples(Protocol):
    """One part of a data set."""

    def shuffled(self, size: int) -> Batches:
        """Yield every example once, in batches of a random order."""

    def in_order(self, size: int) -> Batches:
        """Yield every example once, in batches."""


class Images:
    """Normalised images.

    Args:
        pixels: uint8 [N, C, H, W].
        labels: int64 [N].
        arrays: By which they are normalised.
    """

    def __init__(self, pixels: Tensor, labels: Tensor, arrays: Arrays) -> None:
        mean, std = (torch.from_numpy(each).float() for each in (arrays.mean, arrays.std))
        last = pixels.permute(0, 2, 3, 1).float().div_(255).sub_(mean).div_(std)
        self._shape = last.shape[1:]
        self._rows, self._labels = last.flatten(1), labels

    def shuffled(self, size: int) -> Batches:
        """Yield every image once, in batches of a random order."""
        return map(self._batch, torch.randperm(len(self._labels)).split(size))

    def in_order(self, size: int) -> Batches:
        """Yield every image once, in batches."""
        return map(self._batch, torch.arange(len(self._labels)).split(size))

    def _batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        images = self._rows.index_select(0, positions).view(-1, *self._shape)
        return images.permute(0, 3, 1, 2), self._labels.index_select(0, positions)


class Texts:
    """Token ids, padded with 0.

    Args:
        ids: int [N, T].
        labels: int64 [N].
    """

    def __init__(self, ids: Tensor, labels: Tensor) -> None:
        self._ids, self._labels = ids.long(), labels
        self._lengths = (ids != 0).sum(1)

    def shuffled(self, size: int) -> Batches:
        """Yield every text once, in batches of about one length, in a random order."""
        pools = torch.randperm(len(self._labels)).split(size * BATCHES_A_POOL)
        batches = [batch for pool in pools for batch in self._by_length(pool).split(size)]
        return (self._batch(batches[n]) for n in torch.randperm(len(batches)).tolist())

    def in_order(self, size: int) -> Batches:
        """Yield every text once, in batches, by length."""
        return map(self._batch, self._by_length(torch.arange(len(self._labels))).split(size))

    def _by_length(self, positions: Tensor) -> Tensor:
        return positions[self._lengths[positions].argsort(stable=True)]

    def _batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        longest = int(self._lengths[positions].max())
        return self._ids[positions, :longest], self._labels[positions]


def train(task: Task) -> dict[str, Any]:
    """Train with nothing around it."""
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    arrays, values = task.arrays(), task.hyperparameters
    training, validation = parts(task.family, arrays)
    shape = tuple(arrays.input_shape.tolist())
    network = build_network(task.family, values, shape, int(arrays.classes))
    optimizer = build_optimizer(values, network.named_parameters())
    steps = math.ceil(len(arrays.train_labels) / values["batch_size"]) * task.epochs
    schedule = build_schedule(values, optimizer, steps)
    seconds, accuracy = [], 0.0
    for _ in range(task.epochs):
        begin = time.perf_counter()
        batches = training.shuffled(values["batch_size"])
        train_epoch(network, batches, optimizer, schedule, values["label_smoothing"])
        accuracy, _loss = validate(network, validation.in_order(int(arrays.validation_batch)))
        seconds.append(time.perf_counter() - begin)
    return {
        "epochs": seconds,
        "val_accuracy": accuracy,
        "parameters": count_parameters(network),
    }


def parts(family: str, arrays: Arrays) -> tuple[Examples, Examples]:
    """Return the part that trains and the one that validates."""
    tensors = [
        torch.from_numpy(each)
        for each in (
            arrays.train_inputs,
            arrays.train_labels,
            arrays.validation_inputs,
            arrays.validation_labels,
        )
    ]
    if family == "lstm":
        return Texts(*tensors[:2]), Texts(*tensors[2:])
    return Images(*tensors[:2], arrays), Images(*tensors[2:], arrays)


def train_epoch(
    network: nn.Module,
    batches: Batches,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    smoothing: float,
) -> None:
    """Make a step with every batch."""
    network.train()
    for inputs, labels in batches:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(inputs), labels, label_smoothing=smoothing)
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()


def validate(network: nn.Module, batches: Batches) -> tuple[float, float]:
    """Return accuracy (0..1) and mean cross-entropy (nats)."""
    network.eval()
    correct, loss, count = 0, 0.0, 0
    with torch.inference_mode():
        for inputs, labels in batches:
            logits = network(inputs)
            loss += float(functional.cross_entropy(logits, labels, reduction="sum"))
            correct += int((logits.argmax(dim=1) == labels).sum())
            count += len(labels)
    return correct / count, loss / count
