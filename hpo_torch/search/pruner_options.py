"""The pruners: when each stops a trial, and its options. Optuna is not imported to list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, model_validator

from hpo_torch.search.options import Method, Options, read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import SearchSettings

# The first epochs of a healthy network can look bad (a low learning rate); one is not judged.
FIRST_JUDGED_EPOCH = 2
# A median needs a few finished trials to mean something; trial 0, a good default, is one of them.
UNPRUNED_TRIALS = 3

_RESOURCE = "by default search.min_epochs, lower where too few epochs follow"


class NoOptions(Options):
    """Nothing is pruned."""


class MedianOptions(Options):
    """Options of Optuna's MedianPruner."""

    n_startup_trials: int = Field(
        UNPRUNED_TRIALS, ge=0, description="completed trials before any is pruned"
    )
    n_warmup_steps: int = Field(
        FIRST_JUDGED_EPOCH, ge=0, description="first epoch after which a trial may be pruned"
    )
    interval_steps: int = Field(1, ge=1, description="epochs from one judgement to the next")
    n_min_trials: int = Field(
        1, ge=1, description="completed trials that must have reached the epoch"
    )


class PercentileOptions(MedianOptions):
    """Options of Optuna's PercentilePruner."""

    percentile: float = Field(
        75.0, ge=0.0, le=100.0, description="share of trials that go on, the best ones, in percent"
    )


class AshaOptions(Options):
    """Options of Optuna's SuccessiveHalvingPruner."""

    min_resource: int | None = Field(
        None, ge=1, description=f"epoch of the first rung; {_RESOURCE}"
    )
    reduction_factor: int = Field(3, ge=2, description="one of so many trials passes a rung")
    min_early_stopping_rate: int = Field(0, ge=0, description="rungs to leave out at the start")
    bootstrap_count: int = Field(
        0, ge=0, description="trials that are stopped at a rung before the first passes it"
    )


class HyperbandOptions(Options):
    """Options of Optuna's HyperbandPruner."""

    min_resource: int | None = Field(
        None, ge=1, description=f"epoch of the first rung; {_RESOURCE}"
    )
    max_resource: int | None = Field(
        None, ge=1, description="epochs of a whole trial; the most that are searched by default"
    )
    reduction_factor: int = Field(3, ge=2, description="one of so many trials passes a rung")
    bootstrap_count: int = Field(
        0, ge=0, description="trials that are stopped at a rung before the first passes it"
    )

    @model_validator(mode="after")
    def _in_order(self) -> HyperbandOptions:
        low, high = self.min_resource, self.max_resource
        if low is not None and high is not None and low > high:
            raise ValueError("min_resource of at most max_resource")
        return self


class ThresholdOptions(Options):
    """Options of Optuna's ThresholdPruner."""

    lower: float = Field(ge=0.0, le=1.0, description="scores below it are pruned, 0..1")
    upper: float = Field(1.0, ge=0.0, le=1.0, description="scores above it are pruned, 0..1")
    n_warmup_steps: int = Field(
        FIRST_JUDGED_EPOCH, ge=0, description="first epoch after which a trial may be pruned"
    )
    interval_steps: int = Field(1, ge=1, description="epochs from one judgement to the next")

    @model_validator(mode="after")
    def _in_order(self) -> ThresholdOptions:
        if self.lower > self.upper:
            raise ValueError("lower of at most upper")
        return self


class PatientOptions(Options):
    """Options of Optuna's PatientPruner; the wrapped pruner's are checked in its own record."""

    patience: int = Field(2, ge=0, description="epochs without improvement that are let pass")
    min_delta: float = Field(
        0.0, ge=0.0, le=1.0, description="fall of the score that is let pass, 0..1"
    )
    wrapped: Literal["none", "median", "percentile", "hyperband", "asha", "threshold"] = Field(
        "median", description="pruner that then decides; none: the trial is stopped"
    )
    wrapped_options: dict[str, Any] = Field(
        default_factory=dict, description="options of that pruner"
    )

    def inner(self) -> Options:
        """Check and type the wrapped pruner's options; raises as `read_options` does."""
        record = PRUNERS[self.wrapped].options
        return read_options(record, self.wrapped_options, f"{PRUNER_OPTIONS}.wrapped_options")


PRUNER_OPTIONS = "search.pruner_options"

PRUNERS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method("none", "nothing is stopped", NoOptions),
        Method("median", "worse than the median at the same epoch; the default", MedianOptions),
        Method("percentile", "not among the best part at the same epoch", PercentileOptions),
        Method("hyperband", "successive halving from several first epochs", HyperbandOptions),
        Method("asha", "successive halving: at each rung the best third goes on", AshaOptions),
        Method("patient", "another pruner, once a trial no longer improves", PatientOptions),
        Method("threshold", "below a given score", ThresholdOptions),
    )
}


def pruner_options(settings: SearchSettings) -> Options:
    """Check and type the options of the pruner that the settings name.

    Raises:
        UnknownNameError: It has no such option.
        InvalidValueError: A value is impossible.
    """
    record = PRUNERS[settings.pruner].options
    options = read_options(record, settings.pruner_options, PRUNER_OPTIONS)
    if isinstance(options, PatientOptions):
        options.inner()
    return options
