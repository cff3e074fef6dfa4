"""Which job trains an attempt: a submission whose answer was lost may have made two jobs."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)

KEPT_SECONDS = 8 * 24 * 3600
"""Longer than RunPod keeps any job: its longest ttl is 7 days (documentation, 2026-08)."""

_WRITE_SECONDS = 2.0  # between making a claim's file and writing its one line


class Claims:
    """The claims that this worker and, through a shared folder, others have made.

    The first job to claim an attempt trains it. The claim stays when the training has ended,
    because the other job may come hours later.

    Args:
        folder: Shared by all workers; None where there is none, and claims are this process's own.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def claim(self, attempt: str, job: str) -> str:
        """Claim an attempt for a job, and return the job whose it is: this one or an earlier one.

        A folder that cannot be used is logged: better a trial trained twice than not at all.
        """
        if attempt not in self._known:
            try:
                self._known[attempt] = self._shared(attempt, job)
            except OSError as error:
                _LOGGER.warning("claims of other workers cannot be seen: %s", error)
                self._known[attempt] = job
        return self._known[attempt]

    def remove_old(self) -> None:
        """Remove the files of claims that no job can ask for any more."""
        if self._folder is None or not self._folder.is_dir():
            return
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.iterdir():
            with suppress(OSError):  # another worker removes them too
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _shared(self, attempt: str, job: str) -> str:
        if self._folder is None:
            return job
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / quote(attempt, safe="")
        try:
            with path.open("x", encoding="utf-8") as file:  # fails where the file exists
                file.write(job)
        except FileExistsError:
            return _holder(path) or job
        return job


def _holder(path: Path) -> str:
    """Return whose claim a file is; "" if its maker died before it could write that."""
    deadline = time.monotonic() + _WRITE_SECONDS
    while not (holder := path.read_text("utf-8")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holder
