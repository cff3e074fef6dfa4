"""The server's database: SQLite in its folder of state, or a PostgreSQL server."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy
from sqlalchemy import Connection, Engine, event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from hpo_torch.plugin_api import MissingDependencyError, UsageError, output_error
from hpo_torch.plugin_runs import StorageError
from hpo_torch_server.tables import METADATA, server_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

SCHEMA_VERSION: Final = 1
BUSY_SECONDS: Final = 30.0
"""How long a writer waits for another one before SQLite gives up."""
_POSTGRESQL: Final = {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 20}
_MAKING_TABLES: Final = 0x68706F74  # key of the lock under which PostgreSQL's tables are made


def open_database(url: str) -> Engine:
    """Connect to a database, make the tables that it lacks, and check those that it has.

    Args:
        url: SQLAlchemy's: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.

    Raises:
        UsageError: It is no such URL, or another version of hpo-torch made the tables.
        MissingDependencyError: PostgreSQL's driver is not installed.
        StorageError: The database cannot be reached or written.
        OutputError: The folder of SQLite's file cannot be made.
    """
    engine = _connect(_parsed(url))
    try:
        version = _make_tables(engine)
        if version != SCHEMA_VERSION:
            raise UsageError(
                f"the server's database {shown(engine)} was made by another version of hpo-torch: "
                f"expected tables of version {SCHEMA_VERSION}, got {version}. Serve it with that "
                "version, or choose another database (--database)."
            )
    except BaseException:
        engine.dispose()
        raise
    return engine


def _make_tables(engine: Engine) -> int:
    """Make the tables that are not there; return the version of those that are."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _MAKING_TABLES})
        METADATA.create_all(connection)
        version = connection.scalar(select(server_table.c.version))
        if version is None:
            connection.execute(insert(server_table).values(only=1, version=SCHEMA_VERSION))
            return SCHEMA_VERSION
    return int(version)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees one state of the database; raises StorageError."""
    with _explained(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose changes are all stored when the block ends well, or none.

    Raises:
        StorageError: The database is away, its disk is full ...; nothing was stored.
    """
    with (
        _explained(engine),
        engine.connect().execution_options(sqlite_begin="BEGIN IMMEDIATE") as connection,
        connection.begin(),
    ):
        yield connection


def shown(engine: Engine) -> str:
    """Return the database's URL without its password."""
    return engine.url.render_as_string(hide_password=True)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        # Not the URL itself: its parts may hold a password.
        raise UsageError(
            "--database: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE or "
            "sqlite:///FILE, got something else. Special characters of user and password are "
            "percent-encoded (@ is %40, / is %2F, # is %23)."
        ) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database not in (None, "", ":memory:"):
            return parsed
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
    raise UsageError(
        "--database: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///FILE, "
        f"got {parsed.drivername}://..."
    )


def _connect(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        folder = Path(url.database or "").parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise output_error("write", folder, error) from error
        engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        import psycopg  # noqa: F401 - SQLAlchemy's own message does not say what to install
    except ImportError as error:
        raise MissingDependencyError(
            f"PostgreSQL as the server's database needs psycopg: pip install "
            f"'hpo-torch[postgresql]' ({error})"
        ) from error
    return sqlalchemy.create_engine(url, **_POSTGRESQL)


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says so
    for pragma in (
        "journal_mode = WAL",  # readers wait for no writer
        "synchronous = FULL",  # a state that was written has survived a loss of power
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first, and then writes, would fail where another wrote in between.
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors into ours, but for broken rules of a table, which callers expect."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise StorageError(
            f"the server's database {shown(engine)} cannot be used: {_cause(error)}"
        ) from error


def _cause(error: DBAPIError) -> str:
    line = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
    return line if line.endswith(".") else f"{line}."
