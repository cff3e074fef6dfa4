"""Events: what a trial and a study say while they run; one JSON line each in events.jsonl."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from hpo_torch.protocol.measurements import EpochMetrics, Frozen, HealthReading, Measurements
from hpo_torch.protocol.usage import Cost, RemoteUsage

FailureKind = Literal[
    "diverged", "out_of_memory", "timeout", "worker_died", "data", "user_code", "backend"
]
TrialState = Literal["complete", "pruned", "failed"]
Outcome = Literal["completed", "stopped", "failed"]
Purpose = Literal["search", "confirmation", "retraining"]

HEALTH_STOP: Final = "stopped for its health: "
"""How the message of a completed trial begins that was stopped early because it was hopeless."""


class Event(Frozen):
    """Base of all events.

    Attributes:
        seq: Position in events.jsonl, from 1 without gaps; 0 until the study has numbered it.
        time: When it happened, UTC, ISO 8601.
    """

    seq: int = 0
    time: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


class StudyStarted(Event):
    """A study begins, or goes on.

    Attributes:
        trials: Wanted in all.
        finished: Of those, how many earlier processes finished: 0 unless it is resumed.
        purpose: What it trains for. A confirmation begins and ends within its search, has its own
            log, and numbers its trials from 0.
    """

    kind: Literal["study_started"] = "study_started"
    run: str
    dataset: str
    mode: str
    objective: str
    trials: int
    backend: str
    finished: int = 0
    purpose: Purpose = "search"


class TrialEvent(Event):
    """Base of the events of one trial; `attempt` tells a retry from its predecessor."""

    trial: int
    attempt: str


class TrialStarted(TrialEvent):
    """A trial's network is built and its next epoch begins.

    Attributes:
        epochs: The most that it may train.
        epochs_done: Of those, how many an earlier attempt's training state holds; 0 of a new one.
    """

    kind: Literal["trial_started"] = "trial_started"
    worker: str
    device: str
    precision: str
    hyperparameters: dict[str, Any]
    parameters: int
    epochs: int
    epochs_done: int = 0


class EpochFinished(TrialEvent):
    """One epoch is trained, validated and probed.

    Attributes:
        so_far: The trial's measurements; its health is the kept epoch's, maybe an earlier one.
        epoch_health: Readings of this epoch's own weights, where they differ from those.
        score: The study's objective so far; None until the study has computed it.
    """

    kind: Literal["epoch_finished"] = "epoch_finished"
    epochs: int
    metrics: EpochMetrics
    so_far: Measurements
    epoch_health: dict[str, HealthReading] = Field(default_factory=dict)
    score: float | None = None

    @property
    def health(self) -> dict[str, HealthReading]:
        """Return the health of this epoch's own weights, by metric name."""
        return self.so_far.health | self.epoch_health


class HealthAlert(TrialEvent):
    """Something about a trial's health that a person should know."""

    kind: Literal["health_alert"] = "health_alert"
    epoch: int
    message: str


class TrainingFinished(TrialEvent):
    """A backend's last word on a trial; the study turns it into `TrialFinished`.

    Attributes:
        outcome: "completed" (all epochs, or stopped early), "stopped" (by the study) or "failed".
        measurements: None where nothing could be measured (no epoch finished).
        message: Why it failed, or was stopped for its health; empty otherwise.
        moves_on: Whether another place takes the trial's next attempt, where this one's has failed
            ("backend"): that ends no study, and is none of the trial's retries.
        usage: Of rented hardware, where the attempt used any.
    """

    kind: Literal["training_finished"] = "training_finished"
    outcome: Outcome
    measurements: Measurements | None = None
    kept_epoch: int | None = None
    health: dict[str, HealthReading] = Field(default_factory=dict)
    failure_kind: FailureKind | None = None
    message: str = ""
    traceback: str = ""
    moves_on: bool = False
    usage: RemoteUsage | None = None


class TrialRetried(TrialEvent):
    """An attempt ended early, and the trial goes on in another one.

    Attributes:
        failure_kind: What ended the attempt that this event belongs to.
        next_attempt: What takes over, from the last epoch whose training state was stored.
        accumulate: Parts that the next attempt splits its batches into, to save memory.
        usage: What the attempt that ended used of rented hardware, if any.
    """

    kind: Literal["trial_retried"] = "trial_retried"
    failure_kind: FailureKind
    message: str
    next_attempt: str
    accumulate: int = 1
    usage: RemoteUsage | None = None


class AttemptSettled(TrialEvent):
    """What an attempt used of rented hardware that no other event tells, or not so exactly.

    Its process ended before it heard of the attempt's end, for example.
    """

    kind: Literal["attempt_settled"] = "attempt_settled"
    usage: RemoteUsage


class TrialFinished(TrialEvent):
    """A trial's state and score are decided and stored.

    Attributes:
        best: Whether it leads now.
        leader: Number of the trial that leads now; where health is a second objective, that may
            have become an earlier one. None before one has completed.
        usage: Of rented hardware, by each of its attempts that used any.
    """

    kind: Literal["trial_finished"] = "trial_finished"
    state: TrialState
    score: float | None
    best: bool = False
    leader: int | None = None
    epochs_run: int
    seconds: float
    failure_kind: FailureKind | None = None
    message: str = ""
    measurements: Measurements | None = None
    usage: list[RemoteUsage] = Field(default_factory=list)


class StudyFinished(Event):
    """A study ended; everything is on disk.

    Attributes:
        cost: Of rented hardware, all attempts of all processes together; None where none was.
    """

    kind: Literal["study_finished"] = "study_finished"
    reason: str
    completed: int
    pruned: int
    failed: int
    unfinished: int = 0
    best_trial: int | None
    best_score: float | None
    test_accuracy: float | None
    cost: Cost | None = None


# What an execution backend delivers of one trial.
BackendEvent = TrialStarted | EpochFinished | HealthAlert | TrainingFinished

AnyEvent = Annotated[
    StudyStarted
    | TrialStarted
    | EpochFinished
    | HealthAlert
    | TrainingFinished
    | TrialRetried
    | AttemptSettled
    | TrialFinished
    | StudyFinished,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def parse_event(line: str | bytes) -> AnyEvent:
    """Read one JSON line back into its event; raises pydantic's ValidationError."""
    return _ADAPTER.validate_json(line)
