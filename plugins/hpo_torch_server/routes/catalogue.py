"""What there is: nothing here reads data, or imports torch."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import APIRouter, Query, Request

from hpo_torch import __version__
from hpo_torch.plugin_runs import (
    FAMILIES,
    MODES,
    Layer,
    environment_layer,
    installed_registry,
    precheck,
    preset_layer,
    preset_names,
    preset_summary,
    resolve_config,
)
from hpo_torch_server.context import TheServer
from hpo_torch_server.identity import Reader
from hpo_torch_server.problems import Problem
from hpo_torch_server.readiness import ReadinessReader
from hpo_torch_server.routes.models_catalogue import (
    Backend,
    Dataset,
    Datasets,
    Health,
    Hyperparameter,
    JobCounts,
    ModeInfo,
    Modes,
    ObjectiveInfo,
    Objectives,
    Plugin,
    Plugins,
    Preset,
    Presets,
    SearchSpaceInfo,
    SearchSpaces,
)
from hpo_torch_server.states import ACTIVE, JobState

if TYPE_CHECKING:
    from hpo_torch.plugin_api import DatasetSpec

router = APIRouter(tags=["catalogue"])


@router.get("/health")
def health(request: Request, server: TheServer, caller: Reader) -> Health:
    """Say how the server is, and where its jobs can run."""
    reader = cast("ReadinessReader", request.app.state.readiness)
    readings = reader.read()
    specs = installed_registry().backends
    return Health(
        status="healthy",
        version=__version__,
        timestamp=server.clock(),
        jobs=JobCounts(
            active=len(server.jobs.where(ACTIVE)),
            queued=len(server.jobs.where({JobState.QUEUED})),
            places=server.settings.jobs,
        ),
        backends=[
            Backend(
                name=spec.name,
                summary=spec.summary,
                where=spec.where,
                remote=spec.remote,
                ready=found.ready if (found := readings.found.get(spec.name)) else None,
                reason=found.reason if found else "",
            )
            for spec in specs
        ],
        backends_checked=readings.checked,
        backends_problem=readings.problem,
    )


@router.get("/datasets")
def datasets(caller: Reader) -> Datasets:
    """List the data sets that can be searched for."""
    known = installed_registry().datasets
    return Datasets(datasets=[_dataset(spec, known.plugin_of[spec.name]) for spec in known])


def _dataset(spec: DatasetSpec, plugin: str) -> Dataset:
    training, test = spec.sizes or (None, None)
    return Dataset(
        name=spec.name,
        summary=spec.summary,
        kind=spec.kind,
        classes=spec.num_classes,
        input_shape=None if spec.input_shape is None else list(spec.input_shape),
        training_examples=training,
        test_examples=test,
        source=spec.source,
        plugin=plugin,
    )


@router.get("/modes")
def modes(caller: Reader) -> Modes:
    """List how an objective and health become one score."""
    return Modes(modes=[ModeInfo(**dataclasses.asdict(mode)) for mode in MODES.values()])


@router.get("/objectives")
def objectives(caller: Reader) -> Objectives:
    """List what can be optimised for: first what every mode can, then what is health's own."""
    known = installed_registry().objectives
    ordered = sorted(known, key=lambda objective: (objective.health_only, objective.name))
    found = [
        ObjectiveInfo(
            name=spec.name,
            summary=spec.summary,
            health_only=spec.health_only,
            modes=["health"] if spec.health_only else list(MODES),
            plugin=known.plugin_of[spec.name],
        )
        for spec in ordered
    ]
    return Objectives(objectives=found)


@router.get("/search-spaces")
def search_spaces(
    caller: Reader,
    dataset: Annotated[
        str | None,
        Query(max_length=200, description="of this data set; by default one of each model family"),
    ] = None,
    preset: Annotated[
        str | None, Query(max_length=200, description="with this preset's changes")
    ] = None,
) -> SearchSpaces:
    """List every hyperparameter of searches: what is searched, and what may be fixed."""
    names = [dataset] if dataset is not None else _one_of_each_kind()
    return SearchSpaces(search_spaces=[_search_space(name, preset) for name in names])


def _one_of_each_kind() -> list[str]:
    """Return, for each model family, the first data set that it learns."""
    known = [spec for spec in installed_registry().datasets if spec.has_facts]
    firsts = (
        next((spec.name for spec in known if spec.kind == family.kind), None)
        for family in FAMILIES.values()
    )
    return [name for name in firsts if name is not None]


def _search_space(dataset: str, preset: str | None) -> SearchSpaceInfo:
    layers = [] if preset is None else [preset_layer(preset)]
    wanted = Layer("request", {"data.dataset": dataset})
    config = resolve_config([*layers, environment_layer(), wanted]).config
    outlook = precheck(config, installed_registry())
    if outlook.first_trial is None:
        detail = (
            f"the search space of data set '{dataset}' depends on your own files; ask for a data "
            "set of the same kind whose facts are known: GET /api/v1/datasets"
        )
        raise Problem(400, "", detail, "own-data")
    rows: list[dict[str, Any]] = list(outlook.space)
    return SearchSpaceInfo(
        family=outlook.family,
        dataset=dataset,
        hyperparameters=[Hyperparameter(**row) for row in rows],
    )


@router.get("/presets")
def presets(caller: Reader) -> Presets:
    """List the presets: named files of settings."""
    found = [
        Preset(name=name, summary=preset_summary(name), settings=dict(preset_layer(name).values))
        for name in preset_names()
    ]
    return Presets(presets=found)


@router.get("/plugins")
def plugins(caller: Reader) -> Plugins:
    """List the installed plugins and what each adds."""
    registry = installed_registry()
    catalogues: dict[str, Any] = {
        "datasets": registry.datasets,
        "health metrics": registry.health_metrics,
        "objectives": registry.objectives,
        "backends": registry.backends,
        "commands": registry.commands,
    }
    return Plugins(plugins=[_plugin(info, catalogues) for info in registry.plugins.infos])


def _plugin(info: Any, catalogues: dict[str, Any]) -> Plugin:
    adds = {
        kind: sorted(name for name, plugin in catalogue.plugin_of.items() if plugin == info.name)
        for kind, catalogue in catalogues.items()
    }
    added = {kind: names for kind, names in adds.items() if names}
    return Plugin(**dataclasses.asdict(info), adds=added)
