"""Pruners: when a trial is stopped for being worse than its predecessors; steps are epochs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from optuna import pruners
from optuna.exceptions import ExperimentalWarning

from hpo_torch.search.modes import optimises_two
from hpo_torch.search.pruner_options import (
    AshaOptions,
    HyperbandOptions,
    MedianOptions,
    PatientOptions,
    PercentileOptions,
    ThresholdOptions,
    pruner_options,
)
from hpo_torch.search.rungs import bracket_resource, epoch_range, halving_rungs, resources
from hpo_torch.study.rank_pruners import RungPruner, SharePruner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.pruners import BasePruner

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.search.domains import Value
    from hpo_torch.search.options import Options
    from hpo_torch.search.space import SearchSpace


_MEDIAN = 50.0


def make_pruner(
    settings: SearchSettings, space: SearchSpace, fixed: Mapping[str, Value]
) -> BasePruner:
    """Build the pruner that the settings name, for one objective or for two.

    Args:
        settings: Name the pruner and its options.
        space: What is searched; the epochs of a trial among it.
        fixed: What is not.

    Raises:
        UnknownNameError, InvalidValueError: As for `pruner_options`.
    """
    options, epochs = pruner_options(settings), epoch_range(space, fixed)
    return _build_for_two(options, *epochs) if optimises_two(settings) else _build(options, *epochs)


def _build_for_two(options: Options, fewest: int, most: int) -> BasePruner:
    match options:
        case PercentileOptions():
            return SharePruner(options, options.percentile)
        case MedianOptions():
            return SharePruner(options, _MEDIAN)
        case AshaOptions():
            low, _ = resources(options, fewest, most)
            first = low * options.reduction_factor**options.min_early_stopping_rate
            rungs = halving_rungs(first, most, options.reduction_factor)
            return RungPruner(rungs, options.reduction_factor, options.bootstrap_count)
        case _:  # `check_methods` lets no other one through
            return pruners.NopPruner()


def _build(options: Options, fewest: int, most: int) -> BasePruner:
    match options:
        case PercentileOptions() | MedianOptions():
            given = {"percentile": _MEDIAN, **options.model_dump()}
            return pruners.PercentilePruner(**given)
        case HyperbandOptions():
            low, high = resources(options, fewest, most)
            return pruners.HyperbandPruner(
                min_resource=low,
                max_resource=bracket_resource(low, high, options.reduction_factor),
                reduction_factor=options.reduction_factor,
                bootstrap_count=options.bootstrap_count,
            )
        case AshaOptions():
            low, _ = resources(options, fewest, most)
            return pruners.SuccessiveHalvingPruner(**{**options.model_dump(), "min_resource": low})
        case ThresholdOptions():
            return pruners.ThresholdPruner(**options.model_dump())
        case PatientOptions():
            wrapped = None if options.wrapped == "none" else _build(options.inner(), fewest, most)
            with warnings.catch_warnings():
                # Experimental since Optuna 2.8; whoever names it wants it.
                warnings.simplefilter("ignore", ExperimentalWarning)
                return pruners.PatientPruner(wrapped, options.patience, options.min_delta)
        case _:
            return pruners.NopPruner()
