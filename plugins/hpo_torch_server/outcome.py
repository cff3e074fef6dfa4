"""How a run ended, or whether it goes on, as its folder tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import OutputError
from hpo_torch.plugin_runs import (
    INTERRUPTED,
    TIMEOUT,
    RunPaths,
    RunSummary,
    confirmation_dir,
    read_record,
    resume_command,
    working_process,
)
from hpo_torch_server.states import JobState

if TYPE_CHECKING:
    from pathlib import Path

_EPOCH: Final = b'"kind":"epoch_finished"'


def ended(summary: RunSummary) -> tuple[JobState, str | None]:
    """Return how a run ended by its summary, and why it failed if it did.

    stopped: it was interrupted. failed: no trial completed, or the search broke off for a reason
    that can be mended, with trials in flight. completed: all others, those whose time was used up
    included.
    """
    if summary.reason == INTERRUPTED:
        return JobState.STOPPED, None
    if summary.best_trial is None:
        return JobState.FAILED, f"no trial completed: {summary.reason}"
    if summary.unfinished and summary.reason != TIMEOUT:
        return JobState.FAILED, f"the search broke off: {summary.reason}"
    return JobState.COMPLETED, None


def state_of_run(path: Path) -> tuple[JobState, str | None]:
    """Return the state of a run by its folder alone, and why it failed if it did.

    running: a process works on it. Without one, as `ended` says; where there is no summary, its
    process died.
    """
    if working_process(path) is not None:
        return JobState.RUNNING, None
    try:
        summary = read_summary(path)
    except OutputError as error:
        return JobState.FAILED, str(error)
    if summary is None:
        return JobState.FAILED, f"its process died; to go on: {resume_command(path)}"
    return ended(summary)


def read_summary(path: Path) -> RunSummary | None:
    """Return what came of the run in a folder; None while that is not known.

    Raises:
        OutputError: summary.json is damaged.
    """
    summary = RunPaths(path).summary
    return read_record(summary, RunSummary) if summary.exists() else None


def summary_time(path: Path) -> str | None:
    """Return when the run's summary was written, nanoseconds since 1970; None without one."""
    try:
        return str(RunPaths(path).summary.stat().st_mtime_ns)
    except OSError:
        return None


def finished_epochs(path: Path) -> int:
    """Return how many epochs of a run have been finished, those of a confirmation included."""
    logs = RunPaths(path).events, RunPaths(confirmation_dir(path)).events
    return sum(map(_epochs, logs))


def _epochs(log: Path) -> int:
    try:
        with log.open("rb") as lines:
            return sum(_EPOCH in line for line in lines)
    except OSError:
        return 0
