"""What a health metric is, and what it gets to see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from hpo_torch.protocol.measurements import EpochMetrics, HealthReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What the validation part says of the network as it is now.

    The epoch's own validation pass has been made anyway: its answers are kept, not computed again.

    Attributes:
        confidences: float32 [V], softmax probability of the predicted class, 0..1, of all examples.
        correct: bool [V], whether that class was the true one.
        inputs: A fixed, stratified sample of the validation part, as `Probe.inputs`.
        labels: int64 [Q], its labels.
    """

    confidences: Tensor
    correct: Tensor
    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A fixed, stratified sample of training examples and the network as it is now.

    A metric sees it under the isolation contract: eval mode, RNG state forked and restored, and
    nothing it does may change weights, buffers, `.grad`, or leave hooks behind.

    Attributes:
        network: The plain module, never a compiled or distributed wrapper.
        inputs: What the network takes, on its device: float32 [P, C, H, W], normalised as in
            training; of texts, int64 [P, T] token ids, 0 after a text's end.
        labels: int64 [P], on the same device.
        gradient_inputs: The first examples of `inputs`, for metrics that need a backward pass.
        gradient_labels: Their labels.
        epoch: Epochs finished, from 1.
        validation: The same epoch's validation; None where no validation pass was made.
        baseline_accuracy: A0, the majority class's share of the validation part, 0..1.
    """

    network: nn.Module
    inputs: Tensor
    labels: Tensor
    gradient_inputs: Tensor
    gradient_labels: Tensor
    epoch: int
    validation: Validation | None = None
    baseline_accuracy: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """What has been recorded of a trial so far; a metric's score is a pure function of it.

    Attributes:
        step_losses: Training loss of every optimiser step, nats.
        gradient_norms: Global gradient norm before clipping, every k steps; may hold inf or nan.
        epochs: One entry per finished epoch.
        kept_epoch: Index into `epochs` and `observations` of the epoch whose weights are kept.
        observations: What this metric's `observe` returned, one per epoch.
        skill: (A - A0) / (1 - A0), 0..1; A of the kept epoch, A0 the majority class's share.
        parameters: Trainable parameters.
        reference_parameters: Trainable parameters of the family's default configuration.
        update_ratios: ||W after - W before|| / ||W before|| of every k-th optimiser step, by name
            of the weight (two dimensions or more); may hold inf or nan.
        baseline_accuracy: A0, the majority class's share of the validation part, 0..1.
    """

    step_losses: Sequence[float]
    gradient_norms: Sequence[float]
    epochs: Sequence[EpochMetrics]
    kept_epoch: int
    observations: Sequence[Any]
    skill: float
    parameters: int
    reference_parameters: int
    update_ratios: Mapping[str, Sequence[float]] = field(default_factory=dict)
    baseline_accuracy: float = 0.0


class HealthMetric(Protocol):
    """What a `HealthMetricSpec`'s target makes: one fresh instance a trial.

    It keeps nothing of its own: a trial may go on in another process, with another instance.
    """

    def observe(self, probe: Probe) -> Any:
        """Look at the network once an epoch; return JSON (or None where nothing is needed).

        What is returned comes back in `TrainingRecord.observations`, as JSON reads it.
        """

    def score(self, record: TrainingRecord) -> HealthReading:
        """Turn what was recorded into 0..1, higher healthier, or None with a reason.

        Sentences in `details["alerts"]`, a list, are shown to the user, each once a trial. So are
        those in `details["alarms"]`, which say what is broken beyond repair now, in the same words
        as long as it is: what still is an epoch later stops a training that shows no skill.
        """
