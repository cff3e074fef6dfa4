"""Samplers: how the next configuration is chosen, explicit and seeded."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import ExperimentalWarning

if TYPE_CHECKING:
    from hpo_torch.config.schema import SearchSettings


def startup_trials(trials: int) -> int:
    """Say how many trials are drawn at random before TPE models anything: a third, 4 to 10.

    Optuna's default of 10 would make the default search of 10 trials a random one.
    """
    return min(max(trials // 3, 4), 10)


def make_sampler(settings: SearchSettings, *, parallel: bool) -> optuna.samplers.BaseSampler:
    """Build the sampler that the settings name.

    TPE is multivariate over groups of parameters that occur together, since the space is
    conditional (momentum exists with SGD only). Constant liar keeps parallel trials apart.
    """
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=settings.seed)
    with warnings.catch_warnings():
        # `group` has been experimental since Optuna 2.8; conditional spaces need it.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return optuna.samplers.TPESampler(
            n_startup_trials=startup_trials(settings.trials),
            multivariate=True,
            group=True,
            constant_liar=parallel,
            seed=settings.seed,
        )
