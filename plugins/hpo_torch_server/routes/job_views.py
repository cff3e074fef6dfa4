"""Jobs as the API shows them, from the database's rows and the runs' folders."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import OutputError
from hpo_torch.plugin_runs import RunPaths, RunSummary, read_record
from hpo_torch_server.routes.models_jobs import (
    CurrentTraining,
    JobResponse,
    JobSummary,
    Progress,
)
from hpo_torch_server.states import ENDED

if TYPE_CHECKING:
    from hpo_torch_server.job_row import JobRow
    from hpo_torch_server.run_index import InTraining
    from hpo_torch_server.run_reader import RunReader

PREFIX: Final = "/api/v1"
_LINKS: Final = ("events", "trials", "files", "plots", "download", "report")


def job_path(job_id: str) -> str:
    """Return the path of a job, percent-encoded."""
    from urllib.parse import quote

    return f"{PREFIX}/jobs/{quote(job_id, safe='')}"


def summary_of(row: JobRow) -> JobSummary:
    """Show a job in a list: of its run's folder, only a finished run's summary is read."""
    return JobSummary(**_common(row), best_score=_best_score(row))


def response_of(row: JobRow, runs: RunReader) -> JobResponse:
    """Show a whole job.

    Raises:
        OutputError: A file of its run is damaged.
    """
    progress = _progress(row, runs)
    return JobResponse(
        **_common(row), best_score=progress.best_score, progress=progress, config=row.config
    )


def _common(row: JobRow) -> dict[str, Any]:
    search, own = row.config.get("search", {}), job_path(row.id)
    return {
        "job_id": row.id,
        "status": row.state,
        "owner": row.owner,
        "created_at": row.created,
        "started_at": row.started,
        "completed_at": row.ended,
        "dataset": row.config.get("data", {}).get("dataset", ""),
        "mode": search.get("mode", ""),
        "optimize_for": search.get("optimize_for", ""),
        "trials": search.get("trials", 0),
        "position": row.position,
        "error": row.error,
        "controllable": row.ours,
        "links": {"self": own, **{name: f"{own}/{name}" for name in _LINKS}},
    }


def _best_score(row: JobRow) -> float | None:
    if row.state not in ENDED:
        return None
    try:
        return read_record(RunPaths(row.run).summary, RunSummary).best_score
    except OutputError:  # it ended without one
        return None


def _progress(row: JobRow, runs: RunReader) -> Progress:
    found = runs.get(row.id).progress()
    wanted = int(row.config.get("search", {}).get("trials", 0))
    return Progress(
        total_trials=wanted if found.total is None else found.total,
        finished_trials=found.finished,
        completed_trials=found.counts["complete"],
        pruned_trials=found.counts["pruned"],
        failed_trials=found.counts["failed"],
        current_trials=[_training(each) for each in found.training],
        best_trial=found.leader,
        best_score=_finite(found.best_score),
        elapsed_seconds=round(found.seconds, 3),
        message=found.message,
    )


def _training(each: InTraining) -> CurrentTraining:
    trial = each.trial
    return CurrentTraining(
        trial_number=trial.number,
        purpose=each.purpose,
        current_epoch=len(trial.curve),
        total_epochs=None if trial.started is None else trial.started.epochs,
        score=None if trial.last is None else _finite(trial.last.score),
        started_at=datetime.fromisoformat(trial.since) if trial.since else None,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
