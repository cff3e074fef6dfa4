"""What an owner uses, and whether there is room for more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hpo_torch_server.problems import Problem
from hpo_torch_server.states import ENDED, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch_server.job_store import JobStore
    from hpo_torch_server.settings import Quotas

UNENDED: Final = frozenset(JobState) - ENDED


def check_quotas(jobs: JobStore, quotas: Quotas, owner: str, trials: int) -> None:
    """Check that an owner may have one more job.

    Disk is looked at when a job begins or goes on: one that is at work is not ended for it.

    Args:
        jobs: All jobs.
        quotas: What one owner may have.
        owner: Whose job it will be.
        trials: That it wants.

    Raises:
        Problem: 403: it would be too much; the message says of what.
    """
    unended = jobs.where(UNENDED, owner)
    if quotas.jobs is not None and len(unended) >= quotas.jobs:
        raise _exceeded("jobs that have not ended", quotas.jobs, len(unended) + 1)
    wanted = sum(int(row.config["search"]["trials"]) for row in unended) + trials
    if quotas.trials is not None and wanted > quotas.trials:
        raise _exceeded("trials of jobs that have not ended", quotas.trials, wanted)
    if quotas.disk_bytes is not None:
        used = _bytes_of(job.run for job in map(jobs.get, jobs.owned(owner)) if job is not None)
        if used >= quotas.disk_bytes:
            raise _exceeded("bytes on disk", quotas.disk_bytes, used)


def _exceeded(what: str, most: int, given: int) -> Problem:
    detail = (
        f"expected at most {most} {what}, got {given}; wait until jobs have ended, or DELETE some"
    )
    return Problem(403, "Quota exceeded", detail, "quota", quota=most, needed=given)


def _bytes_of(folders: Iterable[Path]) -> int:
    total = 0
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                try:
                    total += (Path(parent) / name).lstat().st_size
                except OSError:  # it has just gone
                    continue
    return total
