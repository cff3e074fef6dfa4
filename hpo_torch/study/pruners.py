"""Pruners: when a trial is stopped for being worse than its predecessors; steps are epochs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from optuna import pruners
from optuna.exceptions import ExperimentalWarning

from hpo_torch.search.pruner_options import (
    AshaOptions,
    HyperbandOptions,
    MedianOptions,
    PatientOptions,
    PercentileOptions,
    ThresholdOptions,
    pruner_options,
)
from hpo_torch.search.rungs import bracket_resource, epoch_range, resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.pruners import BasePruner

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.search.domains import Value
    from hpo_torch.search.options import Options
    from hpo_torch.search.space import SearchSpace


def make_pruner(
    settings: SearchSettings, space: SearchSpace, fixed: Mapping[str, Value]
) -> BasePruner:
    """Build the pruner that the settings name.

    Args:
        settings: Name the pruner and its options.
        space: What is searched; the epochs of a trial among it.
        fixed: What is not.

    Raises:
        UnknownNameError, InvalidValueError: As for `pruner_options`.
    """
    return _build(pruner_options(settings), *epoch_range(space, fixed))


def _build(options: Options, fewest: int, most: int) -> BasePruner:
    match options:
        case PercentileOptions() | MedianOptions():
            given = {"percentile": 50.0, **options.model_dump()}
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
