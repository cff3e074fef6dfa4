"""One job, as the database knows it, or as its run's folder tells."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # pydantic reads it at run time
from pathlib import Path  # noqa: TC003  # likewise
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from hpo_torch_server.states import JobState  # noqa: TC001  # likewise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

Wanted = Literal["run", "pause", "stop", "remove"]


class ProcessId(BaseModel):
    """A process: its number alone is given to another one some day.

    Attributes:
        pid: Its number.
        created: When it was made, seconds since 1970.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float


class JobRow(BaseModel):
    """One job.

    Attributes:
        id: The run's name, and its folder's.
        owner: Whose it is; "" of a run that this server did not start.
        state: Where it is on its way.
        created: When it was asked for.
        started: When its first process was started.
        ended: When it was completed, stopped, or failed.
        config: All settings of its run, plain JSON.
        run: The run's folder, absolute; not there before it has begun.
        process: Who works on it, or did last; None where nobody has.
        starts: How often a process was started for it.
        error: Why it failed; None otherwise.
        wanted: What its owner wants of it.
        position: Its place in the queue, from 1; None of a job that does not wait.
        ours: Whether this server started it; others can be read and watched only.
        deaths: Processes of it that died, in a row, without a new epoch in between.
        epochs: Epochs that were finished when it was started last.
        summary_before: summary.json's time of change then, nanoseconds.
        signals: Signals sent to its process, that it may end.
        signalled: When the last of them was sent.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    state: JobState
    created: datetime
    started: datetime | None
    ended: datetime | None
    config: dict[str, Any]
    run: Path
    process: ProcessId | None
    starts: int
    error: str | None
    wanted: Wanted
    position: int | None
    ours: bool = True
    deaths: int = 0
    epochs: int = 0
    summary_before: str | None = None
    signals: int = 0
    signalled: datetime | None = None


def row_of(row: Row[Any], line: Mapping[str, int]) -> JobRow:
    """Make a job of a row of its table.

    Args:
        row: All columns.
        line: Places in the queue, from 1, by id.
    """
    values = dict(row._mapping)
    pid, created = values.pop("pid"), values.pop("pid_created")
    process = None if pid is None else ProcessId(pid=pid, created=created)
    position = line.get(values["id"])
    return JobRow.model_validate({**values, "process": process, "position": position})
