"""The callback that closes an epoch: measure, keep the best weights, say so, stop early."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from hpo_torch.health.monitor import HealthReport
from hpo_torch.protocol.events import HEALTH_STOP, EpochFinished, HealthAlert
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.search.objectives import skill
from hpo_torch.training.kept_weights import KeptWeights

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning.pytorch import Trainer
    from torch.optim import Optimizer

    from hpo_torch.health.monitor import HealthMonitor
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.search.objectives import Objective
    from hpo_torch.training.checkpoints import StateFile
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
        return self.stopped

    @property
    def stopped(self) -> bool:
        """Whether the last epoch that was looked at is to be the last one."""
        return self._waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs to go on counting."""
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._best, self._waited = state["best"], state["waited"]


def patience(job: TrialJob) -> int:
    """Return how many epochs without improvement a trial is given.

    A learning rate that falls until the last epoch brings the best of its gain at the end, often
    after a long level stretch: such a training is not stopped early.
    """
    epochs: int = job.hyperparameters["epochs"]
    constant = job.hyperparameters["schedule"] == "constant"
    return job.training.patience if constant else max(job.training.patience, epochs)


class EpochReporter(Callback):
    """Closes each epoch of a trial and emits its event.

    Args:
        job: The trial.
        emit: Where events go.
        monitor: Reads the network's health.
        objective: Decides by which metric training stops early, and whose weights are kept.
        facts: What is known before the first epoch.
        state: Keeps the training's state after every epoch.

    Attributes:
        kept: The weights that score.
        epochs: Of all finished epochs, an earlier attempt's included.
        report: The trial's health after the last of them.
        divergence: How the training has diverged, in a sentence; None if it has not.
        hopeless: Why its health has stopped it, in a sentence; None if it has not.
    """

    def __init__(
        self,
        job: TrialJob,
        emit: Callable[[EpochFinished | HealthAlert], None],
        monitor: HealthMonitor,
        objective: Objective,
        facts: TrialFacts,
        state: StateFile,
    ) -> None:
        self._job, self._emit, self._monitor = job, emit, monitor
        self._facts, self._state = facts, state
        self._stopping = EarlyStopping(objective.early_stopping_metric, patience(job))
        self.kept = KeptWeights(objective.keeps, objective.early_stopping_metric)
        self.epochs: list[EpochMetrics] = []
        self.report: HealthReport | None = None
        self.divergence: str | None = None
        self.hopeless: str | None = None
        self._started = self._learning_rate = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Classifier) -> None:  # type: ignore[override]
        """Train no more if an earlier attempt has stopped early."""
        trainer.should_stop = self._stopping.stopped or self.hopeless is not None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Classifier) -> None:  # type: ignore[override]
        """Start the clock."""
        self._started = time.perf_counter()

    def on_before_optimizer_step(
        self,
        trainer: Trainer,
        pl_module: Classifier,  # type: ignore[override]
        optimizer: Optimizer,
    ) -> None:
        """Note the rate in use: at the epoch's end the schedule has set the next step's."""
        self._learning_rate = optimizer.param_groups[0]["lr"]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Classifier) -> None:  # type: ignore[override]
        """Measure, keep, report; end a trial that diverged, is hopeless, or no longer improves."""
        if pl_module.interrupted:
            return
        metrics = self._measure(pl_module)
        if metrics is None:
            trainer.should_stop = True
            return
        self.epochs.append(metrics)
        self.kept.offer(pl_module.network, metrics)
        self.report = self._monitor.epoch_report(pl_module.network, self.epochs, self.kept.index)
        metrics = metrics.model_copy(update={"health_seconds": self.report.seconds})
        self.epochs[-1] = metrics
        alerts = [*self.report.alerts, *self._give_up(metrics.epoch)]
        trainer.should_stop = self._stopping.should_stop(metrics) or self.hopeless is not None
        self._say(
            trainer,
            [self._finished(metrics), *(self._alert(metrics.epoch, alert) for alert in alerts)],
        )

    def _give_up(self, epoch: int) -> list[str]:
        """Stop a hopeless training, unless its settings forbid it; return what to say of it."""
        hopeless = None if self.report is None else self.report.hopeless
        # After the last planned epoch there is nothing left to save.
        if hopeless is None or not self._job.health.stop or epoch == self._facts.epochs:
            return []
        self.hopeless = f"{HEALTH_STOP}{hopeless}"
        return [self.hopeless]

    def _say(self, trainer: Trainer, events: list[EpochFinished | HealthAlert]) -> None:
        # In this order: whatever epoch the study has heard of can be gone on from.
        self._state.write(trainer, events)
        for event in events:
            self._emit(event)

    def _finished(self, metrics: EpochMetrics) -> EpochFinished:
        so_far = self.measurements()
        assert so_far is not None  # noqa: S101 - an epoch is finished
        return EpochFinished(
            trial=self._job.trial,
            attempt=self._job.attempt,
            epochs=self._facts.epochs,
            metrics=metrics,
            so_far=so_far,
            epoch_health={} if self.report is None else self.report.epoch_readings,
        )

    def _measure(self, module: Classifier) -> EpochMetrics | None:
        """Read the epoch's tallies; None when a loss is not finite."""
        train_loss, train_accuracy = module.train_tally.read()
        val_loss, val_accuracy = module.validation_tally.read()
        epoch = len(self.epochs) + 1
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            self.divergence = self._describe_divergence(epoch, train_loss, val_loss)
            self._emit(self._alert(epoch, self.divergence))
            return None
        return EpochMetrics(
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=self._learning_rate,
            seconds=time.perf_counter() - self._started,
        )

    def _describe_divergence(self, epoch: int, train_loss: float, val_loss: float) -> str:
        step = self._monitor.first_bad_step()
        since = "" if step is None else f", first at step {step}"
        return (
            f"the loss was not finite in epoch {epoch} (training {train_loss}{since}; validation "
            f"{val_loss}) at learning rate {self._learning_rate:.3g}"
        )

    def _alert(self, epoch: int, message: str) -> HealthAlert:
        return HealthAlert(
            trial=self._job.trial, attempt=self._job.attempt, epoch=epoch, message=message
        )

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed training needs to go on reporting."""
        return {
            "epochs": [epoch.model_dump() for epoch in self.epochs],
            "kept": self.kept.state_dict(),
            "stopping": self._stopping.state_dict(),
            "readings": {
                name: reading.model_dump_json()
                for name, reading in (self.report.readings if self.report else {}).items()
            },
            "overall_health": self.report and self.report.overall_health,
            "hopeless": self.hopeless,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` returned after at least one epoch."""
        self.epochs = [EpochMetrics.model_validate(epoch) for epoch in state_dict["epochs"]]
        self.kept.load_state_dict(state_dict["kept"])
        self._stopping.load_state_dict(state_dict["stopping"])
        self.hopeless = state_dict["hopeless"]
        self.report = HealthReport(
            readings={
                name: HealthReading.model_validate_json(reading)
                for name, reading in state_dict["readings"].items()
            },
            overall_health=state_dict["overall_health"],
            seconds=self.epochs[-1].health_seconds,
            alerts=(),
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
