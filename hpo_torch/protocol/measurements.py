"""What is measured of a trial: per epoch, of its health, and in the end."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A frozen model that refuses unknown fields.

    JSON has no NaN: a diverged loss is written as "NaN", "Infinity" or "-Infinity", and a float
    field reads these strings back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class EpochMetrics(Frozen):
    """One epoch's figures; losses are mean cross-entropy in nats, accuracies are shares 0..1."""

    epoch: int = Field(ge=1)
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float = Field(description="training and validation, without health")
    health_seconds: float = 0.0


class HealthReading(Frozen):
    """One health metric's value: 0..1, higher is healthier, or None with the reason."""

    value: float | None = Field(default=None, ge=0.0, le=1.0)
    reason: str | None = Field(default=None, description="why value is None")
    applies: bool = Field(
        default=True,
        description="False: has no meaning for the data or the model family, so that value is None "
        "in every trial of a search",
    )
    details: dict[str, Any] = Field(default_factory=dict, description="JSON only; per-layer values")


class Measurements(Frozen):
    """Everything an objective may look at, so far in a trial or at its end.

    `val_*` are of the kept epoch: the one whose weights are saved and scored.
    """

    val_accuracy: float = Field(ge=0.0, le=1.0)
    val_loss: float
    last_val_accuracy: float = Field(ge=0.0, le=1.0)
    skill: float = Field(
        ge=0.0, le=1.0, description="(A - A0) / (1 - A0), A0 the majority class's validation share"
    )
    parameters: int = Field(ge=0, description="trainable parameters")
    training_seconds: float = Field(ge=0.0, description="wall time of training, without health")
    memory_bytes: int | None = Field(default=None, description="peak of one training step")
    inference_seconds: float | None = Field(default=None, description="per example, batches of 32")
    health: dict[str, HealthReading] = Field(default_factory=dict)
    overall_health: float | None = Field(default=None, ge=0.0, le=1.0)
