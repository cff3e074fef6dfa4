"""One whole search: check, prepare the data, run the study, complete the run's folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.data.requests import data_request
from hpo_torch.execution.open_backend import open_backend
from hpo_torch.execution.select import select_backend
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.run_names import default_run_name
from hpo_torch.study.logger_kinds import logger_kinds
from hpo_torch.study.plan import plan_study, with_data_defaults
from hpo_torch.study.session import Session
from hpo_torch.study.shared_study import check_shared_study

if TYPE_CHECKING:
    from hpo_torch.config.schema import RunConfig
    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.execution.select import Selection
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.study.audience import Audience
    from hpo_torch.study.plan import StudyPlan


def optimize(config: RunConfig, registry: Registry, audience: Audience) -> RunDirectory:
    """Search hyperparameters and leave a complete run folder.

    Nothing is written before everything that can be checked has been: settings, backend, device
    and the data's files.

    Raises:
        UsageError: A setting names or asks for what does not exist.
        DataError: The data set's files are absent, corrupt or cannot be fetched.
        OutputError: The run's folder cannot be written.
        StudyFailedError: No trial completed; the message says why the trials failed.
    """
    logger_kinds(config.output)  # refused before anything is written
    plan, selection, backend = prepare(config, registry, audience)
    name = config.output.name or default_run_name(
        datetime.now(), plan.dataset.name, config.search.mode, config.search.optimize_for
    )
    root = Path(config.output.dir).expanduser()
    if config.execution.storage is None:
        run = RunDirectory.create(root, name)
    else:  # the name is the study's, on which several engines of this machine may work
        output = config.output.model_copy(update={"name": name})
        plan = replace(plan, config=plan.config.model_copy(update={"output": output}))
        run = RunDirectory.create_beside(root, name)
    with run_lock(run.path):
        try:
            Session(plan, selection, run, audience).work(backend, registry)
        finally:
            run.drop_unbegun()
    return run


def prepare(
    config: RunConfig, registry: Registry, audience: Audience, *, begun: bool = False
) -> tuple[StudyPlan, Selection, ExecutionBackend]:
    """Check all settings, and that the data are there; nothing of a run is written.

    Args:
        config: The settings.
        registry: What is installed.
        audience: Who is told.
        begun: Whether the run's own storage has the study, with its queue and earlier trials; of
            a study that engines share, its database says so.
    """
    config = with_data_defaults(config, registry)
    if config.execution.storage is not None:
        begun = check_shared_study(config.execution.storage, config)
    request = data_request(config.data, progress=audience.progress, warn=audience.warn)
    plan = plan_study(config, registry, request, begun=begun)
    chosen = select_backend(config.execution, registry.backends)
    selection, backend = open_backend(
        chosen, config.execution, registry.backends.load, audience.warn
    )
    plan = replace(plan, remote=selection.spec.remote)
    if plan.dataset.has_facts:  # own data have been prepared for the plan, warnings included
        registry.datasets.load(plan.dataset.name).prepare(request)
    return plan, selection, backend
