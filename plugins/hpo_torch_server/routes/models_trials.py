"""What the routes of trials answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TrialState = Literal["complete", "pruned", "failed", "running", "unfinished"]
Value = bool | int | float | str | None

_ROW: dict[str, Any] = {
    "number": 7,
    "state": "complete",
    "score": 0.9312,
    "val_accuracy": 0.9556,
    "val_loss": 0.1412,
    "last_val_accuracy": 0.9528,
    "skill": 0.9505,
    "overall_health": 0.8412,
    "parameters": 24_234,
    "training_seconds": 11.72,
    "memory_bytes": 18_874_368,
    "inference_seconds": 0.00012,
    "seconds": 14.03,
    "worker": "local-0",
    "device": "cpu",
    "cost_lower": None,
    "cost_upper": None,
    "started": "2026-11-28T10:21:44.120Z",
    "epochs": 10,
    "kept_epoch": 9,
    "attempts": 1,
    "failure_kind": None,
    "message": "",
    "health": {"neuron_utilization": 0.97, "gradient_health": 0.88},
    "hyperparameters": {"conv_layers": 2, "learning_rate": 0.00213, "activation": "relu"},
}


class Answer(BaseModel):
    """Base of all answers: frozen; a number that is not finite is null."""

    model_config = ConfigDict(frozen=True)


class Trial(Answer):
    """One trial in figures; those of a trial that has not ended are the figures so far."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    number: int = Field(description="from 0")
    state: TrialState = Field(
        description="unfinished: it has begun, and no process trains it now; resuming goes on"
    )
    score: float | None = Field(description="what the search maximises; null: not scored")
    val_accuracy: float | None = Field(description="0..1, of the kept epoch, like the next")
    val_loss: float | None = Field(description="mean cross-entropy, nats")
    last_val_accuracy: float | None = Field(description="0..1, of the last epoch")
    skill: float | None = Field(description="0..1: accuracy above that of the commonest class")
    overall_health: float | None = Field(description="0..1, higher is healthier")
    parameters: int | None = Field(description="trainable ones of the network")
    training_seconds: float | None = Field(description="without health")
    memory_bytes: int | None = Field(description="peak of one training step")
    inference_seconds: float | None = Field(description="an example, in batches of 32")
    seconds: float | None = Field(description="from its start to its end")
    worker: str | None
    device: str | None
    cost_lower: float | None = Field(description="USD at least, where hardware was rented")
    cost_upper: float | None = Field(description="USD at most")
    started: str | None = Field(description="UTC, ISO 8601")
    epochs: int = Field(description="finished ones")
    kept_epoch: int | None = Field(description="from 1: whose weights were scored")
    attempts: int = Field(description="how often it was started")
    failure_kind: str | None
    message: str = Field(description="why it failed or was stopped; cut after 200 characters")
    health: dict[str, float | None] = Field(description="0..1 by metric; null: not measured")
    hyperparameters: dict[str, Value]


class TrialPage(Answer):
    """Some of a job's trials."""

    items: list[Trial]
    next: str | None = Field(description="`cursor` of the page after; null after the last")
    total: int = Field(description="trials of all pages")


class Epoch(Answer):
    """One epoch; losses are mean cross-entropy in nats, accuracies are shares 0..1."""

    epoch: int = Field(description="from 1")
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float | None
    seconds: float | None = Field(description="training and validation, without health")
    health_seconds: float | None


class Reading(Answer):
    """One health metric of a trial."""

    value: float | None = Field(description="0..1, higher is healthier")
    reason: str | None = Field(description="why there is no value")
    applies: bool = Field(description="false: it has no meaning for this data or network")
    details: dict[str, Any] = Field(description="by layer or kind, as in health.json")


class Alert(Answer):
    """Something about a trial's health that a person should know."""

    time: str = Field(description="UTC, ISO 8601")
    epoch: int
    message: str


class TrialDetail(Answer):
    """One trial with its epochs and health."""

    trial: Trial
    message: str = Field(description="why it failed or was stopped, all of it")
    curve: list[Epoch]
    readings: dict[str, Reading] = Field(description="health by metric, of the kept epoch")
    alerts: list[Alert] = Field(description="the last ones of a trial that has not ended")


class CurrentTrial(Answer):
    """A trial in training, so far."""

    number: int = Field(description="of a confirmation: among its trainings")
    purpose: Literal["search", "confirmation"] = Field(
        description="confirmation: one of the best trials again, on a fresh seed"
    )
    epoch: int = Field(description="the last finished one; 0 before the first has ended")
    epochs: int | None = Field(description="the most that it may train; null: not yet known")
    worker: str | None
    device: str | None
    started: str | None = Field(description="UTC, ISO 8601")
    attempts: int
    parameters: int | None
    score: float | None = Field(description="so far")
    val_accuracy: float | None = Field(description="of the last epoch")
    overall_health: float | None = Field(description="of the epoch that is best so far")
    health: dict[str, float | None] = Field(description="by metric, of the last epoch")
    hyperparameters: dict[str, Value]
    curve: list[Epoch]
    alerts: list[Alert] = Field(description="the last ones")


class CurrentTrials(Answer):
    """The trials in training; none where no process works on the job."""

    trials: list[CurrentTrial]


class Confirmed(Answer):
    """The best trial, trained again on fresh seeds."""

    seeds: list[int]
    scores: list[float | None] = Field(description="by seed; null: that training failed")
    mean: float | None = Field(description="of the known scores")
    deviation: float | None = Field(description="their sample standard deviation")
    searched_score: float = Field(description="in the search, for which it was chosen")
    searched_rank: int = Field(description="its place by that score, from 1")


class Tested(Answer):
    """The best model on the official test set, scored once."""

    examples: int
    accuracy: float = Field(description="0..1")
    interval: tuple[float, float] = Field(description="95 % Wilson interval of the accuracy")
    loss: float | None = Field(description="mean cross-entropy, nats")


class BestTrial(Answer):
    """The trial that leads, or has won."""

    final: bool = Field(description="false: the search goes on, or was interrupted")
    trial: Trial
    confirmed: Confirmed | None = Field(description="null: not asked for, or not complete")
    test: Tested | None = Field(description="null: not scored yet")


class ColumnarTrials(Answer):
    """Every trial that has ended, column by column."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "seq": 412,
                    "count": 2,
                    "columns": {
                        "number": [0, 1],
                        "state": ["complete", "pruned"],
                        "score": [0.931242, 0.6125],
                        "neuron_utilization": [0.97, None],
                        "param_learning_rate": [0.00213, 0.1],
                    },
                }
            ]
        }
    )

    seq: int = Field(description="number of the event up to which this is complete: watch on there")
    count: int = Field(description="trials, and values of each column")
    columns: dict[str, list[Value]] = Field(
        description="names as in trials.csv; fractions have six or four significant digits"
    )
