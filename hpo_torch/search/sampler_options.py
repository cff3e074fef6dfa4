"""The samplers: what each is good for, and its options. Optuna is not imported to list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, model_validator

from hpo_torch.search.options import Method, Options, read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import SearchSettings

_STARTUP = "finished trials before it models anything; until then it draws at random"
_THIRD = "by default a third of search.trials, 4 to 10"
Independent = Literal["tpe", "random"]


class TpeOptions(Options):
    """Options of Optuna's TPESampler."""

    n_startup_trials: int | None = Field(None, ge=0, description=f"{_STARTUP}; {_THIRD}")
    n_ei_candidates: int = Field(24, ge=1, description="candidates, of which the best is taken")
    multivariate: bool = Field(True, description="model hyperparameters together, not one by one")
    group: bool = Field(
        True, description="model those that occur together; conditional spaces need it"
    )
    constant_liar: bool | None = Field(
        None,
        description="keep away from configurations that are in training; by default with several "
        "trials at once",
    )

    @model_validator(mode="after")
    def _group_is_multivariate(self) -> TpeOptions:
        if self.group and not self.multivariate:
            raise ValueError("group: false wherever multivariate is false")
        return self


class RandomOptions(Options):
    """Optuna's RandomSampler has no options."""


class GpOptions(Options):
    """Options of Optuna's GPSampler."""

    n_startup_trials: int | None = Field(None, ge=1, description=f"{_STARTUP}; {_THIRD}")
    deterministic_objective: bool = Field(
        False, description="assume that a score has no noise; training has some"
    )
    independent: Independent = Field(
        "tpe", description="what chooses hyperparameters that not every trial has"
    )


class CmaesOptions(Options):
    """Options of Optuna's CmaEsSampler."""

    n_startup_trials: int = Field(1, ge=0, description=_STARTUP)
    popsize: int | None = Field(
        None, ge=4, description="trials in a generation; 4 + 3 ln(dimensions) by default"
    )
    consider_pruned_trials: bool = Field(
        False, description="learn from pruned trials too; sensible with hyperband"
    )
    use_separable_cma: bool = Field(False, description="no correlations between hyperparameters")
    with_margin: bool = Field(False, description="keep whole numbers from being stuck on one value")
    lr_adapt: bool = Field(False, description="adapt its learning rate: for noisy scores")
    independent: Independent = Field(
        "tpe", description="what chooses options, and hyperparameters that not every trial has"
    )

    @model_validator(mode="after")
    def _variants_exclude_each_other(self) -> CmaesOptions:
        if self.use_separable_cma + self.with_margin + self.lr_adapt > 1:
            raise ValueError("at most one of use_separable_cma, with_margin and lr_adapt")
        return self


class Nsga2Options(Options):
    """Options of Optuna's NSGAIISampler."""

    population_size: int | None = Field(
        None, ge=2, description="trials in a generation; by default a quarter of search.trials, "
        "4 to 50",
    )  # fmt: skip
    mutation_prob: float | None = Field(
        None, ge=0.0, le=1.0, description="of each hyperparameter; 1 / their number by default"
    )
    crossover_prob: float = Field(0.9, ge=0.0, le=1.0, description="that two parents are mixed")
    swapping_prob: float = Field(0.5, ge=0.0, le=1.0, description="of each hyperparameter in a mix")


class GridOptions(Options):
    """Options of the grid."""

    points: int = Field(
        3, ge=1, description="values of each range, both ends included; short ranges of whole "
        "numbers are taken in full",
    )  # fmt: skip


class QmcOptions(Options):
    """Options of Optuna's QMCSampler."""

    qmc_type: Literal["sobol", "halton"] = Field("sobol", description="the sequence")
    scramble: bool = Field(True, description="randomise the sequence by search.seed")


SAMPLERS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method("tpe", "models good and bad configurations; the default", TpeOptions),
        Method("random", "draws every configuration anew", RandomOptions),
        Method("gp", "a Gaussian process; for few, long trials", GpOptions),
        Method("cmaes", "evolves a normal distribution; for many trials, numbers", CmaesOptions),
        Method("nsga2", "a genetic algorithm; for many trials", Nsga2Options),
        Method("grid", "every combination once, then the search ends", GridOptions),
        Method("qmc", "spreads evenly, better than random", QmcOptions),
    )
}


# Those that propose from trials which they have not proposed themselves.
LEARNS_FROM_OTHERS: Final = frozenset({"tpe", "gp"})


def sampler_options(settings: SearchSettings) -> Options:
    """Check and type the options of the sampler that the settings name.

    Raises:
        UnknownNameError: It has no such option.
        InvalidValueError: A value is impossible.
    """
    record = SAMPLERS[settings.sampler].options
    return read_options(record, settings.sampler_options, "search.sampler_options")
