"""The records that a run leaves behind as JSON; non-finite losses are the strings of `Frozen`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from pydantic import Field, ValidationError

from hpo_torch.errors import InvalidValueError, OutputError
from hpo_torch.protocol.events import FailureKind, TrialState
from hpo_torch.protocol.measurements import EpochMetrics, Frozen, Measurements
from hpo_torch.protocol.usage import Cost, RemoteUsage
from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.front import Front
from hpo_torch.results.recalls import correct_count
from hpo_torch.results.wilson import wilson_interval

RecordT = TypeVar("RecordT", bound=Frozen)

INTERRUPTED: Final = "interrupted"
"""`RunSummary.reason` where something was cut short, be it the test or the pictures alone."""

TIMEOUT: Final = "timeout"
"""`RunSummary.reason` where the time for the whole search was used up."""


class TrialResult(Frozen):
    """How one trial ended: trials/NNNN/result.json.

    Attributes:
        trial: Number within the study, from 0.
        attempt: The attempt that this is the result of.
        score: What the sampler was told; finite, higher is better; None where nothing was scored.
        hyperparameters: Every one that trained the model, fixed and implied ones included.
        measurements: None where nothing could be measured (no epoch finished).
        kept_epoch: Number (from 1) of the epoch whose weights are in model.ckpt.
        epochs: One entry per finished epoch, in order.
        started: When it began, UTC, ISO 8601.
        seconds: Wall time from its start to its end.
        worker: Who trained its last attempt; "" where that never began to train.
        device: On what.
        usage: Of rented hardware, by each of its attempts that used any.
    """

    trial: int = Field(ge=0)
    attempt: str
    state: TrialState
    score: float | None = Field(default=None, allow_inf_nan=False)
    seed: int
    family: str
    hyperparameters: dict[str, Any]
    measurements: Measurements | None = None
    kept_epoch: int | None = None
    epochs: list[EpochMetrics] = Field(default_factory=list)
    failure_kind: FailureKind | None = None
    message: str = ""
    attempts: int = Field(default=1, ge=1, description="how often it was started")
    accumulate: int = Field(default=1, ge=1, description="parts of a batch, as in `TrialJob`")
    started: str
    seconds: float = Field(ge=0.0)
    worker: str = ""
    device: str = ""
    usage: list[RemoteUsage] = Field(default_factory=list)


class TestReport(Frozen):
    """The winner on the official test set, scored once: best_model/test_report.json.

    Attributes:
        accuracy: Share of correct predictions, 0..1.
        interval: 95 % Wilson interval of the accuracy.
        loss: Mean cross-entropy, nats.
        confusion: [C][C] counts; row: true class, column: predicted class.
        class_names: One name per class.
    """

    # pytest collects classes named Test...; this one is none of its tests.
    __test__: ClassVar[bool] = False

    examples: int = Field(ge=1)
    accuracy: float = Field(ge=0.0, le=1.0)
    interval: tuple[float, float]
    loss: float
    confusion: list[list[int]]
    class_names: list[str]

    @property
    def correct(self) -> int:
        """How many predictions are right."""
        return correct_count(self.confusion)

    @classmethod
    def from_confusion(
        cls, confusion: list[list[int]], class_names: list[str], loss: float
    ) -> TestReport:
        """Compute the figures that follow from the confusion matrix ([true][predicted] counts).

        Raises:
            InvalidValueError: The matrix isn't square with a row per class, or counts nothing.
        """
        classes = len(class_names)
        if [len(row) for row in confusion] != [classes] * classes:
            shape = [len(row) for row in confusion]
            raise InvalidValueError("confusion", f"{classes} rows of {classes} counts", shape)
        examples = sum(map(sum, confusion))
        correct = correct_count(confusion)
        interval = wilson_interval(correct, examples)
        return cls(
            examples=examples,
            accuracy=correct / examples,
            interval=interval,
            loss=loss,
            confusion=confusion,
            class_names=class_names,
        )


class KeyFigures(Frozen):
    """A trial's measurements without their details; units as in `Measurements`."""

    val_accuracy: float
    val_loss: float
    last_val_accuracy: float
    skill: float
    overall_health: float | None
    health: dict[str, float | None] = Field(description="value by metric name")
    parameters: int
    training_seconds: float
    memory_bytes: int | None
    inference_seconds: float | None

    @classmethod
    def of(cls, measurements: Measurements) -> KeyFigures:
        """Keep every figure, and of each health metric its value only."""
        figures = measurements.model_dump(exclude={"health"})
        values = {name: reading.value for name, reading in measurements.health.items()}
        return cls(health=values, **figures)


class ConfirmedTrial(Frozen):
    """A trial that was trained again on fresh seeds.

    Attributes:
        trial: Its number in the search.
        searched: Its score in the search, for which it was chosen; no part of the mean.
        searched_rank: Its place by that score, from 1.
        repetitions: Numbers of its repetitions in the run's `confirmation` folder, one per seed.
        seeds: Theirs.
        scores: Theirs; 0, the worst, where training diverged; None where it failed otherwise.
        scored: How many of the scores are known.
        mean: Of the known scores; None where there is none.
        deviation: Their sample standard deviation; None with fewer than two.
        rank: Its place by the mean, from 1.
    """

    trial: int
    searched: float
    searched_rank: int
    repetitions: list[int]
    seeds: list[int]
    scores: list[float | None]
    scored: int
    mean: float | None
    deviation: float | None
    rank: int


class Confirmation(Frozen):
    """What came of training the best trials again: confirmation/confirmation.json.

    Attributes:
        seeds: Fresh seeds for each trial.
        trials: Confirmed trials by rank.
        winner: The first of them that has a model; None where no repetition completed.
        saved: Number of the winner's repetition whose weights are in best_model/: the one with the
            median score, of two middle ones the lower.
    """

    seeds: int
    trials: list[ConfirmedTrial]
    winner: int | None
    saved: int | None


class RunSummary(Frozen):
    """What came of a run: summary.json, written when the study ends.

    Attributes:
        run: Name of the run.
        health_weight: Health's share of the score; None in the other modes than health.
        backend: Where trials ran: "local", or "runpod, then local" where it fell back, or the run
            was resumed elsewhere.
        counts: Number of finished trials by state.
        unfinished: Trials that were stopped with the study; resuming it goes on with them.
        rejected: Configurations that were asked for and not trained: too large, or trained before.
        best_score: Of the weights in best_model/; of a confirmed trial that of its median
            repetition, while `confirmation` has the mean.
        best: The figures of these weights; None where no trial completed.
        front: Of objective and health; None in the modes of one objective.
        confirmation: The best trials on fresh seeds; None where that was not asked for, or is not
            complete.
        weights_elsewhere: Where the best trial's weights are, host:path, if another engine of a
            shared study has them, out of reach; None where they are in best_model/.
        test_accuracy: Of the winner on the official test set; None where it was not scored.
        parameter_importance: Share 0..1 by hyperparameter; None with too few completed trials.
        references: The values that relative figures were relative to, by name.
        seconds: Wall time of the study.
        cost: Of rented hardware, all attempts together, confirmation included; None where none was.
            Of a study that engines share, this engine's.
        reason: Why the study ended, for people.
        versions: Version by package name.
    """

    run: str
    dataset: str
    mode: str
    objective: str
    health_weight: float | None
    seed: int
    backend: str
    counts: dict[TrialState, int]
    unfinished: int = 0
    rejected: int = 0
    best_trial: int | None
    best_score: float | None = Field(allow_inf_nan=False)
    best: KeyFigures | None
    front: Front | None = None
    weights_elsewhere: str | None = None
    confirmation: Confirmation | None = None
    test_accuracy: float | None
    parameter_importance: dict[str, float] | None
    references: dict[str, float] = Field(default_factory=dict)
    seconds: float
    cost: Cost | None = None
    reason: str
    versions: dict[str, str]


def read_record(path: Path, record: type[RecordT]) -> RecordT:
    """Read one JSON file of a run.

    Raises:
        OutputError: The file is missing, unreadable, or not such a record; the message names it.
    """
    try:
        return record.model_validate_json(path.read_bytes())
    except OSError as error:
        raise output_error("read", path, error) from error
    except ValidationError as error:
        raise OutputError(
            f"{path} is no {record.__name__}: {error.errors()[0]['msg']}. It was changed by hand, "
            "or written by another version; restore or remove it."
        ) from error
