"""The callback that closes an epoch: measure, keep the best weights, say so, stop early."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightning.pytorch import Callback

from hpo_torch.health.score import skill
from hpo_torch.protocol.events import EpochFinished, HealthAlert
from hpo_torch.protocol.measurements import EpochMetrics, Measurements

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning.pytorch import Trainer

    from hpo_torch.health.monitor import HealthMonitor, HealthReport
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.search.objectives import Objective
    from hpo_torch.training.kept_weights import KeptWeights
    from hpo_torch.training.lightning_module import Classifier


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFacts:
    """What is known of a trial before its first epoch.

    Attributes:
        parameters: Trainable parameters.
        memory_bytes: Estimated peak of one training step.
        baseline: Share of the majority class in the validation part: the skill-less accuracy.
        epochs: Epochs planned.
    """

    parameters: int
    memory_bytes: int
    baseline: float
    epochs: int


@dataclass(slots=True)
class EarlyStopping:
    """Counts epochs without improvement of one metric.

    Attributes:
        metric: "val_accuracy" (higher is better) or "val_loss" (lower is better).
        patience: Epochs without improvement that are waited for.
    """

    metric: str
    patience: int
    _best: float = field(default=-math.inf)
    _waited: int = field(default=0)

    def should_stop(self, metrics: EpochMetrics) -> bool:
        """Look at a finished epoch; True once `patience` epochs brought nothing."""
        value = metrics.val_accuracy if self.metric == "val_accuracy" else -metrics.val_loss
        if value > self._best:
            self._best, self._waited = value, 0
        else:
            self._waited += 1
        return self._waited >= self.patience


class EpochReporter(Callback):
    """Closes each epoch of a trial and emits its event.

    Args:
        job: The trial.
        emit: Where events go.
        monitor: Reads the network's health.
        objective: Decides by which metric training stops early.
        facts: What is known before the first epoch.
        kept: Keeps the weights that score.
    """

    def __init__(
        self,
        job: TrialJob,
        emit: Callable[[EpochFinished | HealthAlert], None],
        monitor: HealthMonitor,
        objective: Objective,
        facts: TrialFacts,
        kept: KeptWeights,
    ) -> None:
        self._job, self._emit, self._monitor = job, emit, monitor
        self._facts, self.kept = facts, kept
        self._stopping = EarlyStopping(objective.early_stopping_metric, job.training.patience)
        self.epochs: list[EpochMetrics] = []
        self.report: HealthReport | None = None
        self.diverged_in: int | None = None
        self._started = 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Classifier) -> None:  # type: ignore[override]
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Classifier) -> None:  # type: ignore[override]
        """Measure, keep, report; end a trial that diverged or no longer improves."""
        if pl_module.interrupted:
            return
        metrics = self._measure(trainer, pl_module)
        if metrics is None:
            trainer.should_stop = True
            return
        self.epochs.append(metrics)
        self.kept.offer(pl_module.network, metrics)
        self.report = self._monitor.epoch_report(pl_module.network, self.epochs, self.kept.index)
        metrics = metrics.model_copy(update={"health_seconds": self.report.seconds})
        self.epochs[-1] = metrics
        self._emit(
            EpochFinished(
                trial=self._job.trial,
                attempt=self._job.attempt,
                epochs=self._facts.epochs,
                metrics=metrics,
                so_far=self.measurements(),
            )
        )
        for alert in self.report.alerts:
            self._alert(metrics.epoch, alert)
        trainer.should_stop = self._stopping.should_stop(metrics)

    def _measure(self, trainer: Trainer, module: Classifier) -> EpochMetrics | None:
        """Read the epoch's tallies; None when a loss is not finite."""
        train_loss, train_accuracy = module.train_tally.read()
        val_loss, val_accuracy = module.validation_tally.read()
        epoch = len(self.epochs) + 1
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            self.diverged_in = epoch
            self._alert(epoch, f"loss is not finite (train {train_loss}, validation {val_loss})")
            return None
        return EpochMetrics(
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=trainer.optimizers[0].param_groups[0]["lr"],
            seconds=time.perf_counter() - self._started,
        )

    def _alert(self, epoch: int, message: str) -> None:
        self._emit(
            HealthAlert(
                trial=self._job.trial, attempt=self._job.attempt, epoch=epoch, message=message
            )
        )

    def measurements(self, inference_seconds: float | None = None) -> Measurements | None:
        """Sum up the trial so far; None before its first finished epoch."""
        kept = self.kept.metrics
        if kept is None or self.report is None:
            return None
        return Measurements(
            val_accuracy=kept.val_accuracy,
            val_loss=kept.val_loss,
            last_val_accuracy=self.epochs[-1].val_accuracy,
            skill=skill(kept.val_accuracy, self._facts.baseline),
            parameters=self._facts.parameters,
            training_seconds=sum(epoch.seconds for epoch in self.epochs),
            memory_bytes=self._facts.memory_bytes,
            inference_seconds=inference_seconds,
            health=self.report.readings,
            overall_health=self.report.overall_health,
        )
