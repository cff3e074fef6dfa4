"""Everything about a study that can be wrong is checked here, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.data.spec import DatasetFacts
from hpo_torch.errors import InvalidValueError
from hpo_torch.health.score import resolve_weights
from hpo_torch.search.families import family_for
from hpo_torch.search.modes import check_combination, check_methods
from hpo_torch.search.objectives import find_objective
from hpo_torch.search.pruner_options import (
    AshaOptions,
    HyperbandOptions,
    PatientOptions,
    pruner_options,
)
from hpo_torch.search.rungs import epoch_range, resources
from hpo_torch.search.sampler_options import sampler_options
from hpo_torch.search.study_space import study_space
from hpo_torch.study.queue_file import read_queue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import DataSettings, RunConfig, SearchSettings
    from hpo_torch.data.spec import DataRequest
    from hpo_torch.hooks.records import DatasetSpec
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.search.domains import Value
    from hpo_torch.search.objectives import Objective
    from hpo_torch.search.space import SearchSpace
    from hpo_torch.study.warm_start import WarmStart


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """A study that can run.

    Attributes:
        config: Its settings.
        dataset: Its data set's record.
        facts: Its number of classes, shape of an example, and sizes.
        objective: What is optimised.
        space: What is searched, with the changes of `search.space`.
        fixed: Hyperparameters that are not searched, typed; a forced activation included.
        defaults: The default configuration, which is trained first, after the queue.
        weights: Weight in overall_health by metric name.
        queue: The configurations of `search.enqueue`, in order; none of a study that has begun.
        warm_start: The trials of `search.warm_start`; None where none are wanted, or the study
            has begun.
        remote: Whether trials run on hardware that is chosen by what each of them needs.
    """

    config: RunConfig
    dataset: DatasetSpec
    facts: DatasetFacts
    objective: Objective
    space: SearchSpace
    fixed: dict[str, Any]
    defaults: dict[str, Any]
    weights: dict[str, float]
    queue: tuple[dict[str, Any], ...] = ()
    warm_start: WarmStart | None = None
    remote: bool = False


def plan_study(
    config: RunConfig, registry: Registry, request: DataRequest, *, begun: bool = False
) -> StudyPlan:
    """Check settings against what plugins offer and the search space allows.

    The user's own data are looked at (prepared and described) after all checks that need none of
    their facts; other data sets' files are left alone.

    Args:
        config: The settings.
        registry: What plugins offer.
        request: Where the data are.
        begun: The study exists: its storage has the queue and earlier trials, so that neither is
            read again.

    Raises:
        UnknownNameError: No such data set, family, objective, hyperparameter, health metric, or
            option of the sampler or pruner.
        InvalidValueError: An impossible value or combination.
        UsageError: The queue holds what cannot be trained, or no earlier trial fits.
        MissingDependencyError: The tokenizer's package does not work here.
        DataError: The user's own data cannot be read.
    """
    dataset, family, weights = check_settings(config, registry)
    facts = dataset_facts(dataset, registry, request)
    space, fixed = study_space(
        config,
        family,
        input_shape=facts.input_shape,
        examples=facts.sizes[0],
        flips=dataset.flips,
    )
    _check_rungs(config.search, space, fixed)
    objective = find_objective(config.search.optimize_for)
    return StudyPlan(
        config=config,
        dataset=dataset,
        facts=facts,
        objective=objective,
        space=space,
        fixed=fixed,
        defaults=space.defaults(fixed),
        weights=weights,
        queue=() if begun else _queue(config.search, space, fixed),
        warm_start=None if begun else _earlier_trials(config, space, fixed, weights),
    )


def check_settings(
    config: RunConfig, registry: Registry
) -> tuple[DatasetSpec, str, dict[str, float]]:
    """Check what can be checked without knowing the data, as `plan_study` says.

    Returns:
        The data set's record, the model family, and the weight of each health metric by name.
    """
    dataset = registry.datasets.get(config.data.dataset)
    check_combination(config.search.mode, config.search.optimize_for)
    check_methods(config.search)
    weights = resolve_weights(list(registry.health_metrics), config.health)
    family = family_for(dataset.kind, config.search.family)
    sampler_options(config.search)
    pruner_options(config.search)
    _check_data(config.data, dataset)
    return dataset, family, weights


def with_data_defaults(config: RunConfig, registry: Registry) -> RunConfig:
    """Fill in what the data set says by default: a run's settings must not depend on a version.

    Raises:
        UnknownNameError: No such data set.
    """
    dataset = registry.datasets.get(config.data.dataset)
    data, search = config.data, config.search
    if data.validation_split is None:
        data = data.model_copy(update={"validation_split": dataset.validation_split})
    if search.max_compute is None:
        search = search.model_copy(update={"max_compute": dataset.max_compute})
    return config.model_copy(update={"data": data, "search": search})


def _queue(
    search: SearchSettings, space: SearchSpace, fixed: Mapping[str, Value]
) -> tuple[dict[str, Any], ...]:
    if search.enqueue is None:
        return ()
    return tuple(read_queue(Path(search.enqueue).expanduser(), space, fixed))


def _check_rungs(search: SearchSettings, space: SearchSpace, fixed: Mapping[str, Value]) -> None:
    options = pruner_options(search)
    if isinstance(options, PatientOptions):
        options = options.inner()
    if isinstance(options, AshaOptions | HyperbandOptions):
        resources(options, *epoch_range(space, fixed))


def _earlier_trials(
    config: RunConfig, space: SearchSpace, fixed: Mapping[str, Value], weights: Mapping[str, float]
) -> WarmStart | None:
    if config.search.warm_start is None:
        return None
    from hpo_torch.study.warm_start import Target, map_run

    target = Target(
        config=config,
        space=space,
        fixed=fixed,
        objective=find_objective(config.search.optimize_for),
        weights=weights,
    )
    return map_run(Path(config.search.warm_start).expanduser(), target)


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
