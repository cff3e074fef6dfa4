"""Samplers: how the next configuration is chosen, explicit and seeded."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler

from hpo_torch.search.grid import Grid
from hpo_torch.search.sampler_options import (
    CmaesOptions,
    GpOptions,
    GridOptions,
    Nsga2Options,
    QmcOptions,
    TpeOptions,
    sampler_options,
)
from hpo_torch.study.grid_sampler import GridSampler
from hpo_torch.study.replay import Replay
from hpo_torch.study.seeds import trial_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.search.domains import Value
    from hpo_torch.search.options import Options
    from hpo_torch.search.space import SearchSpace


def make_sampler(
    settings: SearchSettings, space: SearchSpace, fixed: Mapping[str, Value], *, parallel: bool
) -> BaseSampler:
    """Build the study's sampler.

    What it proposes depends on the study's seed, the trial's number and the storage only, so a
    study that was stopped and opened again goes on exactly as if it had not been. (qmc and grid
    follow one sequence, which is seeded by the study alone.)

    Args:
        settings: Name the sampler and its options.
        space: What is searched.
        fixed: What is not.
        parallel: Whether several trials are trained at once.

    Raises:
        UnknownNameError, InvalidValueError: As for `sampler_options`.
    """
    options = sampler_options(settings)
    if isinstance(options, GridOptions):
        return GridSampler(Grid(space, fixed, options.points, settings.seed), settings.seed)

    def build(seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            # Optuna calls some options experimental; the user has asked for them, or, of TPE's
            # `group` (experimental since Optuna 2.8), conditional spaces need it.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return _build(options, settings, seed, space, fixed, parallel=parallel)

    return SeededSampler(settings.seed, build)


def exhausted(study: Study) -> bool:
    """Whether a study's sampler has nothing more to propose: its grid is used up."""
    return isinstance(study.sampler, GridSampler) and study.sampler.exhausted(study)


def pass_over(study: Study) -> None:
    """Have a study's sampler propose something else for the trial that was asked about last.

    All but a grid do so anyway when they are asked again.
    """
    if isinstance(study.sampler, GridSampler):
        study.sampler.pass_over()


def startup_trials(trials: int) -> int:
    """Say how many trials are drawn at random before a model is built: a third, 4 to 10.

    Optuna's default of 10 would make the default search of 10 trials a random one.
    """
    return min(max(trials // 3, 4), 10)


def population(trials: int) -> int:
    """Say how many trials make a generation: a quarter, 4 to 50.

    Optuna's default of 50 would make any search of up to 50 trials a random one.
    """
    return min(max(trials // 4, 4), 50)


class SeededSampler(BaseSampler):
    """Builds a sampler anew for each trial, seeded by the study's seed and the trial's number.

    A sampler that lived as long as its process would repeat its start after a resume, and two
    engines on one study would propose the same.

    Args:
        seed: The study's.
        build: Makes a sampler of a seed.
    """

    def __init__(self, seed: int, build: Callable[[int], BaseSampler]) -> None:
        self._seed, self._build = seed, build
        self._trial = -1
        self._inner = build(seed)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Ask the trial's sampler."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Ask the trial's sampler."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Ask the trial's sampler."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number != self._trial:
            self._inner = self._build(trial_seed(self._seed, trial.number))
            self._trial = trial.number
        return self._inner


class UnconditionalCmaEs(CmaEsSampler):
    """CMA-ES over the numbers that every trial has, the same ones throughout the study.

    Optuna's takes those that all trials so far have had, and gives up once that changes. Queued
    configurations are not of its distribution, so they are no part of a generation either.
    """

    dimensions: Mapping[str, BaseDistribution]

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the dimensions; none for a queued configuration."""
        return {} if "fixed_params" in trial.system_attrs else dict(self.dimensions)


def unconditional_numbers(
    space: SearchSpace, fixed: Mapping[str, Value]
) -> dict[str, BaseDistribution]:
    """Return the distribution of each searched number that every trial of a study has."""
    replay = Replay(space.defaults(fixed))
    space.sample(replay, fixed)
    return {
        name: distribution
        for name, distribution in replay.distributions.items()
        if space.parameter(name).when is None
        and name not in space.constrained[1:]  # what earlier choices leave, which may be nothing
        and isinstance(distribution, IntDistribution | FloatDistribution)
        and not distribution.single()
    }


def _build(
    options: Options,
    settings: SearchSettings,
    seed: int,
    space: SearchSpace,
    fixed: Mapping[str, Value],
    *,
    parallel: bool,
) -> BaseSampler:
    startup = startup_trials(settings.trials)
    match options:
        case TpeOptions():
            return _tpe(options, startup, seed, parallel=parallel)
        case GpOptions():
            return optuna.samplers.GPSampler(
                seed=seed,
                n_startup_trials=options.n_startup_trials or startup,
                deterministic_objective=options.deterministic_objective,
                independent_sampler=_independent(options.independent, startup, seed, parallel),
                warn_independent_sampling=False,
            )
        case CmaesOptions():
            given = options.model_dump(exclude={"independent"})
            independent = _independent(options.independent, startup, seed, parallel)
            sampler = UnconditionalCmaEs(
                seed=seed,
                independent_sampler=independent,
                warn_independent_sampling=False,
                **given,
            )
            sampler.dimensions = unconditional_numbers(space, fixed)
            return sampler
        case Nsga2Options():
            given = options.model_dump(exclude={"population_size"})
            size = options.population_size or population(settings.trials)
            return optuna.samplers.NSGAIISampler(seed=seed, population_size=size, **given)
        case QmcOptions():
            return optuna.samplers.QMCSampler(
                seed=settings.seed,  # one sequence for the whole study
                qmc_type=options.qmc_type,
                scramble=options.scramble,
                independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                warn_independent_sampling=False,
            )
        case _:
            return optuna.samplers.RandomSampler(seed=seed)


def _independent(name: str, startup: int, seed: int, parallel: bool) -> BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return _tpe(TpeOptions(), startup, seed, parallel=parallel)


def _tpe(options: TpeOptions, startup: int, seed: int, *, parallel: bool) -> BaseSampler:
    """Build TPE: multivariate over groups of hyperparameters that occur together, by default.

    The space is conditional (momentum exists with SGD only). Constant liar keeps parallel trials
    apart.
    """
    given = options.model_dump()
    if given["n_startup_trials"] is None:
        given["n_startup_trials"] = startup
    if given["constant_liar"] is None:
        given["constant_liar"] = parallel
    return optuna.samplers.TPESampler(seed=seed, **given)
