"""Everything about a study that can be wrong is checked here, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.data.spec import DatasetFacts
from hpo_torch.errors import InvalidValueError
from hpo_torch.health.score import resolve_weights
from hpo_torch.search.families import activation_override, family_for, search_space
from hpo_torch.search.modes import check_combination
from hpo_torch.search.objectives import find_objective

if TYPE_CHECKING:
    from hpo_torch.config.schema import DataSettings, RunConfig, SearchSettings
    from hpo_torch.data.spec import DataRequest
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


def plan_study(config: RunConfig, registry: Registry, request: DataRequest) -> StudyPlan:
    """Check settings against what plugins offer and the search space allows.

    The user's own data are looked at (prepared and described) after all checks that need none of
    their facts; other data sets' files are left alone.

    Raises:
        UnknownNameError: No such data set, family, objective, hyperparameter or health metric.
        InvalidValueError: An impossible value or combination.
        MissingDependencyError: The tokenizer's package does not work here.
        DataError: The user's own data cannot be read.
    """
    dataset = registry.datasets.get(config.data.dataset)
    check_combination(config.search.mode, config.search.optimize_for)
    weights = resolve_weights(list(registry.health_metrics), config.health.weights)
    family = family_for(dataset.kind, config.search.family)
    _check_data(config.data, dataset)
    facts = dataset_facts(dataset, registry, request)
    space = search_space(
        family,
        facts.input_shape,
        round(facts.sizes[0] * (1 - config.data.validation_split)),
        config.search.min_epochs,
        config.search.max_epochs,
        dataset.flips,
    )
    fixed = space.check_fixed(fixed_values(config.search, family))
    return StudyPlan(
        config=config,
        dataset=dataset,
        objective=find_objective(config.search.optimize_for),
        space=space,
        fixed=fixed,
        defaults=space.defaults(fixed),
        weights=weights,
    )


def _check_data(settings: DataSettings, dataset: DatasetSpec) -> None:
    """Check settings of data that no loader reads, or reads too late."""
    if dataset.kind == "text":
        find_tokenizer(settings.tokenizer)
    if settings.path is not None and dataset.num_classes is not None:
        raise InvalidValueError(
            "data.path",
            f"no path for data set '{dataset.name}', whose files are known",
            settings.path,
            "Name the data set that reads your own files: `hpo-torch datasets list`.",
        )


def dataset_facts(dataset: DatasetSpec, registry: Registry, request: DataRequest) -> DatasetFacts:
    """Return what the record says or, of the user's own data, what their loader finds."""
    if dataset.num_classes is None or dataset.input_shape is None or dataset.sizes is None:
        loader = registry.datasets.load(dataset.name)
        loader.prepare(request)
        facts: DatasetFacts = loader.describe(request)
        return facts
    return DatasetFacts(
        num_classes=dataset.num_classes, input_shape=dataset.input_shape, sizes=dataset.sizes
    )


def fixed_values(search: SearchSettings, family: str) -> dict[str, Any]:
    """Join `--activation` and `--fix`; a single fixed value wins over the override."""
    forced = search.activation
    return {**(activation_override(family, forced) if forced else {}), **search.fix}
