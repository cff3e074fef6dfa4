"""Optuna with MedianPruner and a LightningModule, as a usual script has them.

A part of `search_efficiency.py --data-dir DIR`, which starts it. Sampler and pruner are Optuna's
TPE and median pruner as they come. The callback does what PyTorchLightningPruningCallback of
optuna-integration does, which is no dependency of hpo-torch.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import optuna
import torch
from efficiency_network import build_network, build_optimizer, loaders
from efficiency_space import SEARCHED, is_whole
from efficiency_task import Parts, Task, read_parts
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

if TYPE_CHECKING:
    from collections.abc import Mapping

VAL_ACCURACY = "val_accuracy"


class Classifier(pl.LightningModule):
    """A network with its loss, optimiser and validation accuracy."""

    def __init__(
        self, values: Mapping[str, Any], shape: tuple[int, int, int], classes: int
    ) -> None:
        super().__init__()
        self.values = values
        self.network = build_network(values, shape, classes)
        self.accuracy = MulticlassAccuracy(classes, average="micro")

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        images, labels = batch
        loss = nn.functional.cross_entropy(self.network(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Count a batch's right answers."""
        images, labels = batch
        self.accuracy(self.network(images), labels)
        self.log(VAL_ACCURACY, self.accuracy, on_epoch=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the configuration's."""
        return build_optimizer(self.values, self.network.parameters())


class Report(Callback):
    """Tells Optuna every epoch's validation accuracy, and ends trials that it gives up."""

    def __init__(self, trial: optuna.Trial, task: Task) -> None:
        self._trial, self._task = trial, task

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report, note, and ask whether to go on."""
        if trainer.sanity_checking:
            return
        accuracy = trainer.callback_metrics[VAL_ACCURACY].item()
        self._task.tell(self._trial.number, pl_module.current_epoch + 1, accuracy)
        self._trial.report(accuracy, step=pl_module.current_epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Let Optuna choose a configuration."""
    values: dict[str, Any] = {}
    for name, domain in SEARCHED.items():
        if "choices" in domain:
            values[name] = trial.suggest_categorical(name, domain["choices"])
        elif is_whole(domain):
            values[name] = trial.suggest_int(name, domain["low"], domain["high"])
        else:
            log = domain.get("log", False)
            values[name] = trial.suggest_float(name, domain["low"], domain["high"], log=log)
    return values


def train(trial: optuna.Trial, task: Task, parts: Parts) -> float:
    """Train a trial; return its last validation accuracy, as usual scripts do."""
    pl.seed_everything(task.seed + trial.number, verbose=False)
    values = suggest(trial)
    module = Classifier(values, parts.shape, parts.num_classes)
    stopping = EarlyStopping(VAL_ACCURACY, mode="max", patience=task.patience)
    trainer = pl.Trainer(
        max_epochs=task.epochs,
        accelerator="cpu",
        callbacks=[stopping, Report(trial, task)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, *loaders(parts, values["batch_size"]))
    return trainer.callback_metrics[VAL_ACCURACY].item()


def search(task: Task) -> None:
    """Search until there have been as many trials as wanted."""
    parts = read_parts(Path(task.data))
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=task.seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    if task.first is not None:
        study.enqueue_trial(task.first)
    with warnings.catch_warnings():
        # Of images in memory, that is as it should be.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        study.optimize(lambda trial: train(trial, task, parts), n_trials=task.trials)


def main() -> None:
    """Search quietly."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search(Task.from_command_line())


if __name__ == "__main__":
    main()
