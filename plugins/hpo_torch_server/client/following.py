"""A job's files fetched once, or again and again until the job has ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hpo_torch_server.client.jobs import read_job
from hpo_torch_server.client.mirror import open_mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hpo_torch_server.client.connection import Connection

FOLLOW_SECONDS: Final = 5.0
"""Between two looks at what is new."""

PATIENCE_SECONDS: Final = 600.0
"""How long a lost server is looked for while a job is followed."""

_BEFORE_FILES: Final = frozenset({"queued", "starting"})


@dataclass(frozen=True, slots=True)
class Fetch:
    """What was fetched.

    Attributes:
        status: The job's, before its files were listed for the last time.
        ended: Whether that is an end: then the folder is complete.
        folder: The run's, here; None where it has none yet.
        files: How many were fetched.
        size: Their bytes.
    """

    status: str
    ended: bool
    folder: Path | None
    files: int = 0
    size: int = 0


def fetch_job(
    connection: Connection,
    job: str,
    root: Path,
    *,
    follow: bool,
    progress: Callable[[int, int], None] | None = None,
) -> Fetch:
    """Fetch a job's files into the folder of its name.

    Args:
        connection: To the server.
        job: The job's id.
        root: Folder of all runs, here.
        follow: Go on until the job has ended.
        progress: Takes bytes that have come in a pass, and all that are to come in it.

    Raises:
        HpoTorchError: The server refuses or cannot be reached, a file is damaged, or the folder
            cannot be written, is in use, or is another run's.
    """
    found = read_job(connection, job)
    while found.status in _BEFORE_FILES:
        if not follow:
            return Fetch(found.status, found.ended, None)
        connection.pause(FOLLOW_SECONDS)
        found = read_job(connection, job)
    with open_mirror(connection, job, root, progress) as mirror:
        while True:
            began = time.monotonic()
            whole = mirror.bring_up_to_date()
            if whole and (found.ended or not follow):
                folder = root / job
                return Fetch(found.status, found.ended, folder, mirror.files, mirror.size)
            # A run with very many files is looked at less often: half of the time at most.
            connection.pause(max(FOLLOW_SECONDS, time.monotonic() - began) if follow else 0.0)
            found = read_job(connection, job)
