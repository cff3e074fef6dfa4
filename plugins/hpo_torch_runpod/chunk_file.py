"""What was received of a job, on disk: RunPod hands out each chunk of a running job only once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import output_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class ChunkFile:
    """RUN/backend/received/JOB.jsonl: one chunk a line, appended before its events are told.

    A process that is started again reads it and asks only for what came later. Not waited for: a
    loss of power may lose chunks, which the job's aggregate holds at its end.

    Args:
        folder: Of all jobs' files; made by the first chunk.
        job: RunPod's id of the job.
    """

    def __init__(self, folder: Path, job: str) -> None:
        self._path = folder / f"{_UNSAFE.sub('_', job)}.jsonl"

    def append(self, chunks: Sequence[Any]) -> None:
        """Add chunks; raises OutputError."""
        if not chunks:
            return
        # A line that an earlier process tore is ended first.
        lines = "".join(f"\n{json.dumps(chunk, separators=(',', ':'))}" for chunk in chunks)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{lines}\n")
        except OSError as error:
            raise output_error("write", self._path, error) from error

    def read(self) -> list[Any]:
        """Return all whole chunks, in the order of their arrival; [] where there is no file."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise output_error("read", self._path, error) from error
        return [chunk for line in lines if (chunk := _parse(line)) is not None]

    def remove(self) -> None:
        """Remove the file, which may not be there."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise output_error("remove", self._path, error) from error


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # empty, or torn by a crash
        return None
