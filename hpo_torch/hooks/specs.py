"""Every hook of hpo-torch: a plugin implements the ones it wants with `@hookimpl`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from hpo_torch.hooks.records import (
        BackendSpec,
        CommandSpec,
        DatasetSpec,
        HealthMetricSpec,
        ObjectiveSpec,
    )
    from hpo_torch.protocol.events import (
        EpochFinished,
        StudyFinished,
        StudyStarted,
        TrialFinished,
        TrialStarted,
    )

PROJECT = "hpo_torch"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_datasets() -> list[DatasetSpec]:  # type: ignore[empty-body]
    """Return the data sets that this plugin offers."""


@hookspec
def register_health_metrics() -> list[HealthMetricSpec]:  # type: ignore[empty-body]
    """Return the health metrics that this plugin offers."""


@hookspec
def register_objectives() -> list[ObjectiveSpec]:  # type: ignore[empty-body]
    """Return the objectives that this plugin offers."""


@hookspec
def register_execution_backends() -> list[BackendSpec]:  # type: ignore[empty-body]
    """Return the execution backends that this plugin offers."""


@hookspec
def register_commands() -> list[CommandSpec]:  # type: ignore[empty-body]
    """Return the command groups that this plugin adds to `hpo-torch`."""


@hookspec
def study_started(event: StudyStarted) -> None:
    """Observe that a study begins; called in the main process before the first trial."""


@hookspec
def trial_started(event: TrialStarted) -> None:
    """Observe that a trial begins to train."""


@hookspec
def epoch_finished(event: EpochFinished) -> None:
    """Observe one finished epoch, its metrics and its health."""


@hookspec
def trial_finished(event: TrialFinished) -> None:
    """Observe how a trial ended."""


@hookspec
def study_finished(event: StudyFinished) -> None:
    """Observe that a study ended; its results are complete on disk."""
