"""The audit log: who did what, or was refused it; nothing in it can be changed or removed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import DDL, Column, Engine, Integer, String, Table, event, select

from hpo_torch.plugin_runs import StorageError
from hpo_torch_server.database import reading, writing
from hpo_torch_server.tables import METADATA, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hpo_torch_server.identity import Caller

REFUSALS_A_MINUTE: Final = 60
"""Refused requests of one address that are written in one minute; whoever sends more of them shall
not fill the disk."""
_WIDEST: Final = 500

AUDIT: Final = Table(
    "audit_log",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("time", UtcDateTime, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("key", String(8)),
    Column("address", String(100), nullable=False),
    Column("action", String(50), nullable=False),
    Column("target", String(_WIDEST), nullable=False),
    Column("outcome", String(_WIDEST), nullable=False),
    sqlite_autoincrement=True,
)

_log = logging.getLogger(__name__)


def _refuse_on_sqlite(change: str) -> DDL:
    return DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER audit_log_no_{change.lower()} BEFORE {change} ON audit_log "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


_POSTGRESQL: Final = (
    "CREATE OR REPLACE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()",
)

for _change in ("UPDATE", "DELETE"):
    event.listen(AUDIT, "after_create", _refuse_on_sqlite(_change).execute_if(dialect="sqlite"))
for _statement in _POSTGRESQL:
    _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(AUDIT, "after_create", _ddl.execute_if(dialect="postgresql"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log.

    Attributes:
        number: Rises; a gap is where a write failed.
        time: UTC.
        owner: Who did it; "" where nobody was identified.
        key: The key's id, no secret; None without one.
        address: Where the request came from.
        action: "create job", "stop job", "authenticate", ...
        target: A job's id, or a method and path.
        outcome: "done", or "refused: ..." with the reason.
    """

    number: int
    time: datetime
    owner: str
    key: str | None
    address: str
    action: str
    target: str
    outcome: str


class AuditLog:
    """Appends to the audit log.

    Args:
        database: With the tables of `hpo_torch_server.tables`.
        clock: Returns the time, UTC.
    """

    def __init__(self, database: Engine, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._refusals = FixedWindowRateLimiter(MemoryStorage())

    def write(
        self, caller: Caller | None, action: str, target: str, outcome: str, address: str
    ) -> None:
        """Write one line.

        What happened has happened: where it cannot be written, that is logged, and the request goes
        on. Of refusals, one address gets `REFUSALS_A_MINUTE`.

        Args:
            caller: Who; None where nobody was identified.
            action: What was to be done, in few words.
            target: To what: a job's id, or a method and path; is cut after 500 characters.
            outcome: "done", or "refused: ..." with the reason; likewise.
            address: Where the request came from.
        """
        if outcome.startswith("refused") and not self._refusals.hit(
            RateLimitItemPerMinute(REFUSALS_A_MINUTE), address
        ):
            return
        row = {
            "time": self._clock(),
            "owner": caller.owner if caller else "",
            "key": caller.key if caller else None,
            "address": address[:100],
            "action": action,
            "target": _printable(target),
            "outcome": _printable(outcome),
        }
        try:
            with writing(self._database) as connection:
                connection.execute(AUDIT.insert().values(row))
        except StorageError:
            _log.exception("the audit log could not be written: %s %s", action, row["target"])

    def entries(self) -> list[Entry]:
        """Return every line, oldest first."""
        with reading(self._database) as connection:
            rows = connection.execute(select(AUDIT).order_by(AUDIT.c.number)).all()
        return [Entry(**row._mapping) for row in rows]


def _printable(text: str) -> str:
    """Return a line of at most 500 characters without control characters (PostgreSQL refuses 0)."""
    return "".join(c if c.isprintable() else "?" for c in text[:_WIDEST])
