"""Every job and its state, in the database; a job's state changes by compare-and-set only."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hpo_torch.plugin_api import UsageError
from hpo_torch.plugin_runs import check_run_name, default_run_name
from hpo_torch_server.database import reading, writing
from hpo_torch_server.found_runs import FoundRuns
from hpo_torch_server.job_pages import JobPage, merged_page
from hpo_torch_server.job_row import JobRow, row_of
from hpo_torch_server.states import JobState, check
from hpo_torch_server.tables import jobs_table, requests_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

_TRIES: Final = 5
_jobs = jobs_table.c


class NameTakenError(UsageError):
    """There is a job or a run of that name."""


class RepeatedKeyError(UsageError):
    """An Idempotency-Key was used before, for another request."""


class JobStore:
    """The jobs of a server, and the runs that others left, or work on, in its folder of runs.

    Args:
        database: With the tables of `hpo_torch_server.tables`.
        output_dir: Folder of the runs, absolute.
        clock: Returns the time, with its zone.
    """

    def __init__(
        self,
        database: Engine,
        output_dir: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._root, self._clock = database, output_dir, clock
        self._found = FoundRuns(output_dir)

    def now(self) -> datetime:
        """Return the time, with its zone."""
        return self._clock()

    def create(
        self,
        owner: str,
        config: Mapping[str, Any],
        name: str | None = None,
        idempotency: tuple[str, str] | None = None,
    ) -> JobRow:
        """Put a job at the end of the queue.

        Args:
            owner: Whose it is.
            config: All settings of a run, plain JSON without passwords; `output.dir` and
                `output.name` become the job's own.
            name: The run's, and the job's id; by default the time, data set and mode.
            idempotency: An Idempotency-Key, and the hash of the request that it came with: a
                repetition of the request gets the job of the first.

        Raises:
            InvalidValueError: The name can't be a folder's name on every system.
            NameTakenError: There is a job or a run of that name.
            RepeatedKeyError: The owner used the key for another request.
            StorageError: The database cannot be used; there is no new job.
        """
        if name is not None:
            check_run_name(name)
        for _ in range(_TRIES):
            try:
                with writing(self._database) as connection:
                    known = self._known(connection, owner, idempotency)
                    if known is None:
                        known = self._insert(connection, owner, config, name, idempotency)
                return self._ours(known)
            except IntegrityError:  # another request was faster: with the key, or the name
                continue
        raise NameTakenError(f"there is a job or a run '{name}' already; choose another name")

    def repeated(self, owner: str, idempotency: tuple[str, str]) -> JobRow | None:
        """Return the job that an Idempotency-Key has made; None of a new key.

        Raises:
            RepeatedKeyError: The owner used the key for another request.
        """
        with reading(self._database) as connection:
            known = self._known(connection, owner, idempotency)
        return None if known is None else self.get(known)

    def get(self, job: str) -> JobRow | None:
        """Return a job, or a run that this server did not start; None where there is neither."""
        with reading(self._database) as connection:
            row = connection.execute(select(jobs_table).where(_jobs.id == job)).one_or_none()
            line = {} if row is None else self._line(connection)
        return self._found.get(job) if row is None else row_of(row, line)

    def list(
        self,
        owner: str | None = None,
        states: Collection[JobState] = (),
        cursor: str | None = None,
        limit: int = 100,
    ) -> JobPage:
        """Return a page of jobs, newest first.

        Args:
            owner: Whose; None: everybody's, and the runs that this server did not start.
            states: Only jobs in one of these; () for all.
            cursor: Where the page begins: `next` of the one before.
            limit: Jobs of a page, 1 or more.

        Raises:
            InvalidValueError: The cursor is none of ours.
        """
        wanted = [] if owner is None else [_jobs.owner == owner]
        wanted += [_jobs.state.in_(states)] if states else []
        with reading(self._database) as connection:
            line = self._line(connection)
            ids = set(connection.scalars(select(_jobs.id)))
            found = [] if owner is not None else self._found.all(ids, states)
            return merged_page(connection, wanted, found, line, cursor, limit)

    def where(self, states: Collection[JobState], owner: str | None = None) -> Sequence[JobRow]:
        """Return this server's jobs in one of these states: waiting ones first in line first."""
        query = select(jobs_table).where(_jobs.state.in_(states)).order_by(*_ORDER)
        if owner is not None:
            query = query.where(_jobs.owner == owner)
        with reading(self._database) as connection:
            line = self._line(connection)
            return [row_of(row, line) for row in connection.execute(query)]

    def owned(self, owner: str) -> Sequence[str]:
        """Return the ids of all jobs of an owner."""
        with reading(self._database) as connection:
            return connection.scalars(select(_jobs.id).where(_jobs.owner == owner)).all()

    def move(
        self, job: str, old: Collection[JobState], new: JobState, **fields: Any
    ) -> JobRow | None:
        """Change a job's state, and columns besides, if its state is one of `old`.

        Returns:
            The job as it is now; None where there is none in one of these states.

        Raises:
            ValueError: No such step is allowed.
        """
        for state in old:
            check(state, new)
        now = self._clock()
        if new == JobState.QUEUED:
            fields["place"] = _last_place()
        with writing(self._database) as connection:
            moved = connection.execute(
                update(jobs_table)
                .where(_jobs.id == job, _jobs.state.in_(old))
                .values(state=new, **(_times(new, now) | fields))
            ).rowcount
        return self._ours(job) if moved else None

    def note(self, job: str, states: Collection[JobState], **fields: Any) -> bool:
        """Change columns of a job if its state is one of `states`; say whether it was."""
        with writing(self._database) as connection:
            query = update(jobs_table).where(_jobs.id == job, _jobs.state.in_(states))
            return connection.execute(query.values(**fields)).rowcount > 0

    def delete(self, job: str) -> None:
        """Forget a job; what is in its folder stays."""
        with writing(self._database) as connection:
            connection.execute(delete(jobs_table).where(_jobs.id == job))

    def _ours(self, job: str) -> JobRow:
        found = self.get(job)
        if found is None:
            raise NameTakenError(f"job '{job}' was removed in the meantime")
        return found

    def _known(
        self, connection: Connection, owner: str, idempotency: tuple[str, str] | None
    ) -> str | None:
        if idempotency is None:
            return None
        key, request_hash = idempotency
        query = select(requests_table.c.job, requests_table.c.request_hash)
        row = connection.execute(
            query.where(requests_table.c.owner == owner, requests_table.c.key == key)
        ).one_or_none()
        if row is None:
            return None
        if row.request_hash != request_hash:
            raise RepeatedKeyError(
                f"Idempotency-Key {key!r} was used for another request, which made job "
                f"'{row.job}'. Use a new key for a new request."
            )
        return str(row.job)

    def _insert(
        self,
        connection: Connection,
        owner: str,
        config: Mapping[str, Any],
        name: str | None,
        idempotency: tuple[str, str] | None,
    ) -> str:
        now = self._clock()
        job = self._free_name(connection, name, config, now)
        output = {**config.get("output", {}), "dir": str(self._root), "name": job}
        connection.execute(
            insert(jobs_table).values(
                id=job,
                owner=owner,
                state=JobState.QUEUED,
                wanted="run",
                place=_last_place(),
                created=now,
                config={**config, "output": output},
                run=str(self._root / job),
            )
        )
        if idempotency is not None:
            key, request_hash = idempotency
            values = {"owner": owner, "key": key, "request_hash": request_hash}
            connection.execute(insert(requests_table).values(**values, job=job, created=now))
        return job

    def _free_name(
        self, connection: Connection, name: str | None, config: Mapping[str, Any], now: datetime
    ) -> str:
        wanted = name or _default_name(config, now)
        known = connection.scalar(select(_jobs.id).where(_jobs.id == wanted))
        if known is not None or (self._root / wanted).exists():
            raise NameTakenError(
                f"there is a job or a run '{wanted}' already; choose another name, or resume it"
            )
        return wanted

    def _line(self, connection: Connection) -> dict[str, int]:
        """Return places in the queue, from 1, by id."""
        query = select(_jobs.id).where(_jobs.state == JobState.QUEUED).order_by(*_ORDER)
        return {job: place for place, job in enumerate(connection.scalars(query), 1)}


_ORDER: Final = (_jobs.place, _jobs.number)


def _last_place() -> Any:
    # In the statement itself: of two that are queued at once, neither may overtake an earlier one.
    table = jobs_table.alias()
    return select(func.coalesce(func.max(table.c.place), 0) + 1).scalar_subquery()


def _default_name(config: Mapping[str, Any], now: datetime) -> str:
    search = config["search"]
    name = default_run_name(
        now.astimezone(), config["data"]["dataset"], search["mode"], search["optimize_for"]
    )
    # A run of the command line that begins in the same second has the name without this.
    return f"{name}-{secrets.token_hex(2)}"


def _times(new: JobState, now: datetime) -> dict[str, Any]:
    match new:
        case JobState.QUEUED:
            return {"ended": None, "error": None}
        case JobState.STOPPED | JobState.COMPLETED | JobState.FAILED:
            return {"ended": now}
    return {}
