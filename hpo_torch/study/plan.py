"""Everything about a study that can be wrong is checked here, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch.health.score import resolve_weights
from hpo_torch.search.cnn_space import activation_override
from hpo_torch.search.families import family_for, search_space
from hpo_torch.search.modes import check_combination
from hpo_torch.search.objectives import find_objective

if TYPE_CHECKING:
    from hpo_torch.config.schema import RunConfig
    from hpo_torch.hooks.records import DatasetSpec
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.search.objectives import Objective
    from hpo_torch.search.space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """A study that can run.

    Attributes:
        config: Its settings.
        dataset: Its data set's record.
        objective: What is optimised.
        space: What is searched.
        fixed: Hyperparameters that are not searched, typed; a forced activation included.
        defaults: The default configuration, which is trial 0.
        weights: Weight in overall_health by metric name.
    """

    config: RunConfig
    dataset: DatasetSpec
    objective: Objective
    space: SearchSpace
    fixed: dict[str, Any]
    defaults: dict[str, Any]
    weights: dict[str, float]


def plan_study(config: RunConfig, registry: Registry) -> StudyPlan:
    """Check settings against what plugins offer and the search space allows.

    Raises:
        UnknownNameError: No such data set, objective, hyperparameter or health metric.
        InvalidValueError: An impossible value or combination.
    """
    dataset = registry.datasets.get(config.data.dataset)
    check_combination(config.search.mode, config.search.optimize_for)
    weights = resolve_weights(list(registry.health_metrics), config.health.weights)
    space = search_space(
        family_for(dataset.kind),
        dataset.input_shape,
        round(dataset.sizes[0] * (1 - config.data.validation_split)),
        config.search.min_epochs,
        config.search.max_epochs,
    )
    fixed = space.check_fixed(fixed_values(config))
    return StudyPlan(
        config=config,
        dataset=dataset,
        objective=find_objective(config.search.optimize_for),
        space=space,
        fixed=fixed,
        defaults=space.defaults(fixed),
        weights=weights,
    )


def fixed_values(config: RunConfig) -> dict[str, Any]:
    """Join `--activation` and `--fix`; a single fixed value wins over the override."""
    forced = config.search.activation
    return {**(activation_override(forced) if forced else {}), **config.search.fix}
