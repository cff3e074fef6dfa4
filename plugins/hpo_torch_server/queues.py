"""Configurations that a job trains next: into its settings, or into the study that has begun."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_runs import RunConfig, RunPaths
from hpo_torch_server.problems import Problem
from hpo_torch_server.processes import PROGRAM, job_environment
from hpo_torch_server.searches import check_search, keep_queue, queue_folder
from hpo_torch_server.states import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch_server.context import Server
    from hpo_torch_server.job_row import JobRow

PATIENCE_SECONDS: Final = 120.0
"""For a child process, which imports Optuna, and looks at the job's own data."""


def enqueue_configurations(
    server: Server, row: JobRow, configurations: Sequence[dict[str, Any]]
) -> str:
    """Put configurations at the end of a job's queue.

    A job that has not begun gets them with its settings. One that has gets them through its study's
    storage, as `hpo-torch enqueue` puts them there, running or not.

    Returns:
        When they are trained, for people.

    Raises:
        UsageError: A configuration is not possible; the message names the entry, from 1.
        Problem: 409: the job is complete, or just begins.
    """
    if not row.ours or row.state == JobState.COMPLETED:
        why = "is complete" if row.ours else "was not started by this server"
        detail = f"job '{row.id}' {why}; start another search with these configurations"
        raise Problem(409, "", detail, "job-state")
    if RunPaths(row.run).journal.exists():
        _into_study(server, row, configurations)
        return _when(row)
    config = _with_queue(server, row, configurations)
    if not server.jobs.note(row.id, {row.state} & _UNBEGUN, config=config):
        detail = f"job '{row.id}' begins just now; try again in a moment"
        raise Problem(409, "", detail, "job-state", headers={"Retry-After": "5"})
    return "when the job begins"


_UNBEGUN: Final = frozenset({JobState.QUEUED, JobState.PAUSED, JobState.STOPPED, JobState.FAILED})


def _with_queue(
    server: Server, row: JobRow, configurations: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    earlier = row.config["search"]["enqueue"]
    known = [] if earlier is None else json.loads(Path(earlier).read_text(encoding="utf-8"))
    path = keep_queue([*known, *configurations], queue_folder(server))
    search = {**row.config["search"], "enqueue": str(path)}
    config = {**row.config, "search": search}
    check_search(RunConfig.model_validate(config))
    return config


def _into_study(server: Server, row: JobRow, configurations: Sequence[dict[str, Any]]) -> None:
    path = keep_queue(configurations, queue_folder(server))
    command = [*PROGRAM, "enqueue", str(row.run), str(path)]
    environment = job_environment(os.environ, row.config["execution"]["storage"])
    try:
        done = subprocess.run(  # noqa: S603 - our own program, with files of ours
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        detail = f"the study of job '{row.id}' was not reached in {PATIENCE_SECONDS:g} s"
        raise Problem(503, "", detail, "timeout", headers={"Retry-After": "60"}) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        status = {2: 400, 4: 400, 9: 409}.get(done.returncode, 500)
        # Where the server keeps the file is of no interest.
        detail = lines[-1].removeprefix("error: ").replace(str(path), "enqueue")
        raise Problem(status, "", detail, "enqueue")


def _when(row: JobRow) -> str:
    if row.state in (JobState.STARTING, JobState.RUNNING):
        return "as soon as a trial has ended"
    return "when the job goes on"
