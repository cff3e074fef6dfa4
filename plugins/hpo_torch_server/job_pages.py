"""Pages of jobs, newest first: those of the database and those of folders alone, merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from hpo_torch.plugin_api import InvalidValueError
from hpo_torch_server.cursors import read_cursor, write_cursor
from hpo_torch_server.job_row import JobRow, row_of
from hpo_torch_server.tables import jobs_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

_jobs = jobs_table.c


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of many jobs.

    Attributes:
        items: Newest first.
        next: The cursor of the page after; None after the last.
        total: Jobs of all pages.
    """

    items: list[JobRow]
    next: str | None
    total: int


def merged_page(
    connection: Connection,
    wanted: Sequence[ColumnElement[bool]],
    found: Sequence[JobRow],
    line: Mapping[str, int],
    cursor: str | None,
    limit: int,
) -> JobPage:
    """Return one page.

    Args:
        connection: To the database.
        wanted: What is asked of the database's jobs.
        found: Jobs that are in no database.
        line: Places in the queue, from 1, by id.
        cursor: Where the page begins; None for the first.
        limit: Jobs of a page.

    Raises:
        InvalidValueError: The cursor is none of ours.
    """
    counted = select(func.count()).select_from(jobs_table).where(*wanted)
    total = (connection.scalar(counted) or 0) + len(found)
    query = select(jobs_table).where(*wanted)
    after = None if cursor is None else _behind(cursor)
    if after is not None:
        created, job = after
        older = or_(_jobs.created < created, and_(_jobs.created == created, _jobs.id < job))
        query = query.where(older)
        found = [row for row in found if (row.created, row.id) < after]
    query = query.order_by(_jobs.created.desc(), _jobs.id.desc()).limit(limit + 1)
    rows = [*found, *(row_of(row, line) for row in connection.execute(query))]
    rows.sort(key=lambda row: (row.created, row.id), reverse=True)
    items = rows[:limit]
    return JobPage(items, _cursor(items[-1]) if len(rows) > limit else None, total)


def _cursor(row: JobRow) -> str:
    return write_cursor(row.created.isoformat(), row.id)


def _behind(cursor: str) -> tuple[datetime, str]:
    """Return the time and the id of the job that a page begins behind."""
    created, job = read_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(created).astimezone(UTC), job
    except (ValueError, OverflowError):
        raise InvalidValueError(
            "cursor", "what `next` of the page before was", cursor[:100]
        ) from None
