"""One whole search: check, prepare the data, run the study, complete the run's folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.data.requests import data_request
from hpo_torch.errors import StudyFailedError
from hpo_torch.execution.select import select_backend
from hpo_torch.protocol.events import StudyFinished, StudyStarted
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_names import default_run_name
from hpo_torch.study.announce import Announcer
from hpo_torch.study.finish import score_winner, summarise, write_environment
from hpo_torch.study.plan import plan_study
from hpo_torch.study.run_study import StudyRunner
from hpo_torch.study.storage import create_study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.execution.select import Selection
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.records import RunSummary
    from hpo_torch.study.plan import StudyPlan


def ignore(_: str) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is told what while a search runs.

    Attributes:
        listeners: Called with each numbered event.
        note: Takes one line about what happens outside of trials ("scoring the winner ...").
        warn: Takes one line about something that went wrong without ending the search.
        progress: Takes (file, bytes so far, bytes in all or 0) while data are fetched.
    """

    listeners: Sequence[Callable[[AnyEvent], None]] = ()
    note: Callable[[str], None] = field(default=ignore)
    warn: Callable[[str], None] = field(default=ignore)
    progress: Callable[[str, int, int], None] | None = None


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
    request = data_request(config.data, progress=audience.progress, warn=audience.warn)
    plan = plan_study(config, registry, request)
    selection = select_backend(config.execution, registry.backends)
    backend: ExecutionBackend = registry.backends.load(selection.spec.name)(config.execution)
    if plan.dataset.has_facts:  # own data have been prepared for the plan, warnings included
        registry.datasets.load(plan.dataset.name).prepare(request)
    name = config.output.name or default_run_name(
        datetime.now(), plan.dataset.name, config.search.mode, config.search.optimize_for
    )
    run = RunDirectory.create(Path(config.output.dir).expanduser(), name)
    run.write_config(config)
    with EventLog(run.events) as log:
        announce = Announcer(log, audience.listeners, registry.plugins.manager.hook, audience.warn)
        try:
            summary = _search(plan, selection, backend, run, announce, audience)
        finally:
            backend.close()
    if summary.best_trial is None:
        raise StudyFailedError(_why_nothing_completed(run, summary))
    return run


def _search(
    plan: StudyPlan,
    selection: Selection,
    backend: ExecutionBackend,
    run: RunDirectory,
    announce: Announcer,
    audience: Audience,
) -> RunSummary:
    started = time.monotonic()
    config = plan.config
    backend.start()
    announce(
        StudyStarted(
            run=str(run.path),
            dataset=plan.dataset.name,
            mode=config.search.mode,
            objective=config.search.optimize_for,
            trials=config.search.trials,
            backend=f"{selection.spec.name} ({selection.reason})",
        )
    )
    study = create_study(run.journal, config.search, parallel=backend.capacity > 1)
    runner = StudyRunner(plan, study, backend, run, announce)
    runner.run()
    backend.close()  # frees the machine for scoring and drawing
    write_environment(run, runner.devices)
    audience.note("scoring the winner on the test set")
    report = score_winner(plan, run)
    summary = summarise(
        plan,
        study,
        runner.results,
        run=run.name,
        backend=selection.spec.name,
        reason=runner.reason,
        seconds=time.monotonic() - started,
        report=report,
    )
    run.write_summary(summary)
    draw(run, config, audience)
    announce(_study_finished(summary))
    return summary


def draw(run: RunDirectory, config: RunConfig, audience: Audience) -> None:
    """Draw the run's pictures."""
    from hpo_torch.plots.draw import draw_run  # matplotlib takes half a second to import

    audience.note("drawing")
    draw_run(run, config.output.plots)


def _study_finished(summary: RunSummary) -> StudyFinished:
    return StudyFinished(
        reason=summary.reason,
        completed=summary.counts["complete"],
        pruned=summary.counts["pruned"],
        failed=summary.counts["failed"],
        best_trial=summary.best_trial,
        best_score=summary.best_score,
        test_accuracy=summary.test_accuracy,
    )


def _why_nothing_completed(run: RunDirectory, summary: RunSummary) -> str:
    reasons = sorted({trial.message for trial in run.read_trials() if trial.message})
    shown = "; ".join(reasons[:3]) or "none was started"
    return (
        f"no trial completed ({summary.reason}; {summary.counts['failed']} failed, "
        f"{summary.counts['pruned']} pruned). Reasons: {shown}. Details: {run.path}/trials."
    )
