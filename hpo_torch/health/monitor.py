"""The monitor: watches a trial train, and reports its health after every epoch."""

from __future__ import annotations

import json
import logging
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from hpo_torch.health.alarms import Alarms
from hpo_torch.health.alerts import training_alerts
from hpo_torch.health.gradient_recorder import GradientRecorder, loss_scale
from hpo_torch.health.metric import TrainingRecord, Validation
from hpo_torch.health.probe import isolated, make_probe
from hpo_torch.health.score import overall_health
from hpo_torch.health.update_recorder import UpdateRecorder
from hpo_torch.health.validation_recorder import ValidationRecorder
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.search.objectives import skill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning.pytorch import LightningModule, Trainer
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from hpo_torch.config.schema import HealthSettings
    from hpo_torch.health.metric import HealthMetric, Probe
    from hpo_torch.protocol.measurements import EpochMetrics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a trial is compared with.

    Attributes:
        accuracy: A0, the majority class's share of the validation set.
        parameters: Trainable parameters of the family's default configuration.
    """

    accuracy: float
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """A trial's health after an epoch.

    Attributes:
        readings: Reading by metric name, of the kept epoch.
        epoch_readings: Of the last epoch's own weights, where they differ from those.
        overall_health: 0..1, or None where too little could be measured.
        seconds: What this report cost.
        alerts: Sentences for people; each is told once a trial.
        hopeless: Why going on would waste time (`Alarms`); None if it would not.
    """

    readings: dict[str, HealthReading]
    overall_health: float | None
    seconds: float
    alerts: tuple[str, ...]
    epoch_readings: dict[str, HealthReading] = field(default_factory=dict)
    hopeless: str | None = None


class HealthMonitor(Callback):
    """Records losses and gradient norms as training goes, and probes the network between epochs.

    Training with and without it ends with bit-identical weights. A metric that fails costs its
    own reading, never the trial.

    Args:
        metrics: Fresh instances by name.
        settings: Probe sizes, sampling and combination.
        weights: Weight by metric name, from `resolve_weights`.
        probe: Inputs as in training (float32 [P, C, H, W] or int64 [P, T]) and labels int64 [P],
            both on the network's device; every prefix of them is stratified by class.
        baseline: What the trial is compared with.
        seed: Of random numbers that a metric may draw.
        validation_probe: Inputs and labels of the validation part, like `probe`.
    """

    def __init__(  # noqa: PLR0913 - what a trial's health depends on, each once
        self,
        metrics: Mapping[str, HealthMetric],
        settings: HealthSettings,
        weights: Mapping[str, float],
        probe: tuple[Tensor, Tensor],
        baseline: Baseline,
        *,
        seed: int,
        validation_probe: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self._metrics = dict(metrics)
        self._settings = settings
        self._weights = dict(weights)
        self._inputs, self._labels = probe
        self._baseline = baseline
        self._seed = seed
        self._validation_probe = validation_probe
        self._recorder = GradientRecorder(settings.every_k_steps)
        self._updates = UpdateRecorder()
        self._validation = ValidationRecorder()
        self._alarms = Alarms(baseline.accuracy)
        self._observations: dict[str, list[Any]] = {name: [] for name in metrics}
        self._told: list[str] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any
    ) -> None:
        """Keep the step's loss, which Lightning hands over detached, and how far it moved."""
        self._recorder.keep_loss(outputs["loss"])
        self._updates.end()

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Keep the gradient norm of every k-th step, after unscaling and before clipping."""
        due = self._recorder.due
        scale = loss_scale(trainer, optimizer) if due else 1.0
        self._recorder.keep_gradients(pl_module.parameters(), loss_scale=scale)
        if due:
            self._updates.begin(pl_module.named_parameters())

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the last epoch's answers."""
        self._validation.clear()

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *args: Any
    ) -> None:
        """Keep a validation batch's answers; the module's `validation_step` returns its logits."""
        if outputs is not None:
            self._validation.keep(outputs, batch[1])

    def epoch_report(
        self, network: nn.Module, epochs: Sequence[EpochMetrics], kept_epoch: int
    ) -> HealthReport:
        """Probe the network and score its health so far; call once after every epoch.

        Args:
            network: As it is at the epoch's end; a `torch.compile` wrapper is taken off.
            epochs: All finished epochs, this one last.
            kept_epoch: Index into `epochs` of the one whose weights are kept.

        Raises:
            ValueError: An epoch was left out, or the monitor's state was not restored on resuming.
        """
        start = time.perf_counter()
        if any(len(seen) != len(epochs) - 1 for seen in self._observations.values()):
            seen = max(map(len, self._observations.values()))
            raise ValueError(
                f"epoch_report: expected to be called once after every epoch (after epoch "
                f"{seen + 1} now), got {len(epochs)} epochs; restore the monitor when resuming"
            )
        self._recorder.read()
        self._updates.read()
        probe = replace(
            make_probe(
                network,
                self._inputs,
                self._labels,
                gradient_size=self._settings.gradient_probe_size,
                epoch=len(epochs),
            ),
            validation=self._seen_in_validation(),
            baseline_accuracy=self._baseline.accuracy,
        )
        errors = self._observe(probe)
        record = self._record(probe.network, epochs, kept_epoch)
        readings = self._readings(record, errors)
        own = {}
        if kept_epoch < len(epochs) - 1:
            last = self._record(probe.network, epochs, len(epochs) - 1)
            own = self._readings(last, errors)
        overall = overall_health(
            readings, self._weights, record["skill"], self._settings.combine, self._settings.missing
        )
        return HealthReport(
            readings=readings,
            overall_health=overall,
            seconds=time.perf_counter() - start,
            alerts=self._new_alerts(readings),
            epoch_readings={n: each for n, each in own.items() if each != readings[n]},
            hopeless=self._alarms.judge(
                _told(readings, "alarms"), self._recorder.gradient_norms, epochs
            ),
        )

    def _seen_in_validation(self) -> Validation | None:
        answers = self._validation.answers()
        if answers is None or self._validation_probe is None:
            return None
        (confidences, correct), (inputs, labels) = answers, self._validation_probe
        return Validation(confidences=confidences, correct=correct, inputs=inputs, labels=labels)

    def first_bad_step(self) -> int | None:
        """Return the first optimiser step, from 1, whose training loss was not finite."""
        self._recorder.read()
        losses = enumerate(self._recorder.step_losses, start=1)
        return next((step for step, loss in losses if not math.isfinite(loss)), None)

    def _observe(self, probe: Probe) -> dict[str, HealthReading]:
        """Let every metric look; returns the readings of those that failed."""
        errors = {}
        for name, metric in self._metrics.items():
            observed = None
            try:
                with isolated(probe.network, self._seed):
                    observed = metric.observe(probe)
                # Plain JSON, whatever number types a metric uses: a resumed trial gets the same.
                observed = json.loads(json.dumps(observed, allow_nan=False))
            except Exception as error:
                observed, errors[name] = None, _failed(name, error)
            self._observations[name].append(observed)
        return errors

    def _record(
        self, network: nn.Module, epochs: Sequence[EpochMetrics], kept_epoch: int
    ) -> dict[str, Any]:
        """What all metrics' records have in common."""
        return {
            "step_losses": self._recorder.step_losses,
            "gradient_norms": self._recorder.gradient_norms,
            "epochs": epochs,
            "kept_epoch": kept_epoch,
            "skill": skill(epochs[kept_epoch].val_accuracy, self._baseline.accuracy),
            "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
            "reference_parameters": self._baseline.parameters,
            "update_ratios": self._updates.ratios,
            "baseline_accuracy": self._baseline.accuracy,
        }

    def _readings(
        self, record: dict[str, Any], errors: Mapping[str, HealthReading]
    ) -> dict[str, HealthReading]:
        return {
            name: errors.get(name) or self._score(name, metric, record)
            for name, metric in self._metrics.items()
        }

    def _score(self, name: str, metric: HealthMetric, record: dict[str, Any]) -> HealthReading:
        try:
            reading = metric.score(TrainingRecord(**record, observations=self._observations[name]))
            # Plugins may build readings unchecked; what leaves here is in bounds and plain JSON.
            reading = HealthReading.model_validate(reading.model_dump())
            json.dumps(reading.details, allow_nan=False)
        except Exception as error:
            return _failed(name, error)
        return reading

    def _new_alerts(self, readings: Mapping[str, HealthReading]) -> tuple[str, ...]:
        found = training_alerts(self._recorder.step_losses, self._recorder.gradient_norms)
        found += [*_told(readings, "alarms"), *_told(readings, "alerts")]
        for name, reading in readings.items():
            if reading.reason is not None and reading.reason.startswith("error: "):
                found.append(f"health metric '{name}' failed: {reading.reason}")
        new = tuple(alert for alert in dict.fromkeys(found) if alert not in self._told)
        self._told += new
        return new

    def state_dict(self) -> dict[str, Any]:
        """Return what was recorded and observed, so that a resumed trial goes on from it."""
        return {
            "recorder": self._recorder.state_dict(),
            "updates": self._updates.state_dict(),
            # One string a metric: torch.save takes a microsecond for every number of a list.
            "observations": {name: json.dumps(seen) for name, seen in self._observations.items()},
            "told": list(self._told),
            "alarms": self._alarms.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._recorder.load_state_dict(state_dict["recorder"])
        self._updates.load_state_dict(state_dict["updates"])
        self._observations = {n: json.loads(seen) for n, seen in state_dict["observations"].items()}
        self._told = list(state_dict["told"])
        self._alarms.load_state_dict(state_dict["alarms"])


def _told(readings: Mapping[str, HealthReading], key: str) -> list[str]:
    """Return the sentences that metrics say under a key of their details."""
    return [sentence for reading in readings.values() for sentence in reading.details.get(key, [])]


def _failed(name: str, error: Exception) -> HealthReading:
    _log.debug("health metric %r failed", name, exc_info=error)
    return HealthReading(reason=f"error: {type(error).__name__}: {error}")
