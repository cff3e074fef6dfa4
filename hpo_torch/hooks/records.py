"""The frozen records that plugins return: light to make, so that listing imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hpo_torch.config.schema import VALIDATION_SHARE

InputKind = Literal["image", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every plugin record has.

    Attributes:
        name: The name on the command line; unique within its kind.
        target: Where the implementation lives, "package.module:attribute"; imported at use only.
        summary: One line for listings.
        requires: Import names of packages that the target needs beyond hpo-torch's own.
        extra: The extra of the plugin's distribution that installs them ("hpo-torch[runpod]").
    """

    name: str
    target: str
    summary: str
    requires: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec(Record):
    """A data set; `target` is a `hpo_torch.plugin_api.DatasetLoader`.

    Attributes:
        kind: What one example is; decides the model families that can learn it.
        num_classes: Number of classes; None where only the user's files tell.
        input_shape: (channels, height, width) of an image, () of a text; None likewise.
        sizes: Number of training and test examples; None likewise.
        source: Where the data come from, for people.
        flips: Whether a mirrored image keeps its class; never of digits and signs.
        validation_split: Share of the training set that validates unless the user says otherwise,
            above 0, below 1.
        max_compute: Most multiply-adds an example of a network, as a multiple of the default
            network's, unless the user says otherwise; None where only the user limits them.
    """

    kind: InputKind
    num_classes: int | None
    input_shape: tuple[int, ...] | None
    sizes: tuple[int, int] | None
    source: str
    flips: bool = False
    validation_split: float = VALIDATION_SHARE
    max_compute: float | None = None

    @property
    def has_facts(self) -> bool:
        """Whether the record itself knows number and shape of its data; of own data it doesn't."""
        return None not in (self.num_classes, self.input_shape, self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthMetricSpec(Record):
    """A health metric; `target` is a callable without arguments that makes a `HealthMetric`.

    Attributes:
        default_weight: Weight in overall_health unless configured; 0 means measured, not scored.
        opt_in: Costs so much that, unless its weight is above 0, it is not even measured.
    """

    default_weight: float
    opt_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveSpec(Record):
    """An objective; `target` is a `hpo_torch.plugin_api.Score`.

    Attributes:
        health_only: Only for health mode, where it is the whole score.
        early_stopping_metric: What has to improve for training to go on.
        keeps: Whose epoch's weights are saved and scored: the best by that metric, or the last.
        is_accuracy: Whether it is a share of right answers, of which a network without skill has
            A0, the majority class's, and not 0.
        relative: Whether it compares with `References`, the costs of the first completed trial.
    """

    health_only: bool = False
    early_stopping_metric: Literal["val_accuracy", "val_loss"] = "val_loss"
    keeps: Literal["best", "last"] = "best"
    is_accuracy: bool = False
    relative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec(Record):
    """An execution backend; `target` is a `hpo_torch.plugin_api.BackendFactory`.

    Attributes:
        where: Where its trials run, for people ("worker processes on this machine").
        remote: Whether they run on other machines, chosen by what a trial needs: its jobs then
            carry an estimate of the memory.
        auto: "package.module:function" of `ExecutionSettings` that returns a `Readiness`, light:
            asked whether `--backend auto` may choose this backend. "" where it never does.
    """

    where: str
    remote: bool = False
    auto: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a backend can take trials now.

    Attributes:
        ready: Whether it can.
        reason: What was found, for people: what it offers, or what is missing.
    """

    ready: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec(Record):
    """A command group; `target` is a light `typer.Typer`, imported when the program starts."""
