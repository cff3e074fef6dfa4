"""The tables that jobs are kept in; other modules define theirs on the same METADATA."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its time zone, UTC, in databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Store UTC; a moment without a time zone is a mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a time with its zone, got {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """SQLite returns what was stored, without its zone."""
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# One row: what these tables are, and whose.
server_table: Final = Table(
    "server",
    METADATA,
    Column("only", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("version", Integer, nullable=False),
    # Of the folder of state that this database belongs to; None until a server has taken it.
    Column("state_id", String(64)),
)

jobs_table: Final = Table(
    "jobs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),  # in order of creation
    Column("id", String(255), nullable=False, unique=True),
    Column("owner", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("place", Integer, nullable=False),  # in the queue: the lowest is first
    Column("created", UtcDateTime, nullable=False),
    Column("started", UtcDateTime),
    Column("ended", UtcDateTime),
    Column("config", JSON, nullable=False),
    Column("run", Text, nullable=False),
    Column("pid", Integer),
    Column("pid_created", Float(53)),
    Column("starts", Integer, nullable=False, default=0),
    # In a row, without a new epoch in between.
    Column("deaths", Integer, nullable=False, default=0),
    Column("epochs", Integer, nullable=False, default=0),  # finished, when it was started last
    # Of summary.json when it was started last, nanoseconds: a later one is this start's.
    Column("summary_before", String(32)),
    Column("signals", Integer, nullable=False, default=0),  # sent to end this process
    Column("signalled", UtcDateTime),
    Column("error", Text),
    Index("ix_jobs_owner_number", "owner", "number"),
    Index("ix_jobs_state_place", "state", "place"),
    sqlite_autoincrement=True,  # a removed job's number is never given again
)

requests_table: Final = Table(
    "requests",  # by Idempotency-Key
    METADATA,
    Column("owner", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("job", String(255), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created", UtcDateTime, nullable=False),
)
