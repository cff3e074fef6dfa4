"""A PostgreSQL database through which several engines work on one study."""

from __future__ import annotations

import random
import time
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError

from hpo_torch.config.database_url import check_database_url, without_password
from hpo_torch.errors import MissingDependencyError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ResultT = TypeVar("ResultT")

# How long a server may be away (restarted, failed over) before its engines give up.
PATIENCE_SECONDS = 300.0
LONGEST_PAUSE_SECONDS = 10.0
# libpq notices within about a minute that the other end of a connection is gone.
CONNECT_ARGUMENTS = {
    "connect_timeout": 10,
    "application_name": "hpo-torch",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# The study's loop uses one connection at a time, the thread that renews leases another.
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 2,
    "max_overflow": 2,
    "connect_args": CONNECT_ARGUMENTS,
}


def is_transient(error: BaseException) -> bool:
    """Say whether an error means that the server is away, so that trying again may help."""
    if isinstance(error, StorageInternalError):  # Optuna's wrapping of what SQLAlchemy raised
        return error.__cause__ is not None and is_transient(error.__cause__)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | PendingRollbackError)


def patiently(call: Callable[[], ResultT], patience: float | None = None) -> ResultT:
    """Call until it succeeds, with growing, jittered pauses while the server is away.

    Args:
        call: Something that can be repeated, whether or not its first try took effect.
        patience: Seconds after which to give up; PATIENCE_SECONDS by default.

    Raises:
        StorageError: The server stayed away.
    """
    limit = PATIENCE_SECONDS if patience is None else patience
    give_up, pause = time.monotonic() + limit, 0.1
    while True:
        try:
            return call()
        except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError) as error:
            if not is_transient(error):
                raise
            if time.monotonic() >= give_up:
                raise StorageError(
                    f"the study's database has been away for {limit:.0f} seconds: {cause(error)} "
                    "Nothing is lost: once it is back, `hpo-torch resume` goes on."
                ) from error
        # Jitter (S311: no secret): engines that lost one server do not all come back at once.
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def cause(error: BaseException) -> str:
    """Return the driver's own words, one line; they never hold a password."""
    if isinstance(error, StorageInternalError) and error.__cause__ is not None:
        return cause(error.__cause__)
    original = error.orig if isinstance(error, DBAPIError) else error
    line = (str(original).strip().splitlines() or [type(original).__name__])[0]
    return line if line.endswith(".") else f"{line}."


class Database:
    """A database that can be reached, checked when it is made.

    Attributes:
        url: With the password, for SQLAlchemy and Optuna.
        shown: Without it, for messages.
        engine: SQLAlchemy's connections.
    """

    def __init__(self, url: str) -> None:
        """Check the URL, the driver and the server.

        Raises:
            InvalidValueError: It is no postgresql:// URL.
            MissingDependencyError: The driver is not installed, or does not work.
            StorageError: The server cannot be reached, or refuses us.
        """
        check_database_url(url)
        try:
            import psycopg  # noqa: F401 - SQLAlchemy's own message does not say what to install
        except ImportError as error:
            raise MissingDependencyError(
                "a database as storage needs psycopg: pip install 'hpo-torch[postgresql]' "
                f"({error})"
            ) from error
        self.url = "postgresql+psycopg" + url.removeprefix("postgresql")
        self.shown = without_password(url)
        self.engine = sqlalchemy.create_engine(self.url, **ENGINE_OPTIONS)
        try:
            self.engine.connect().close()
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise StorageError(
                f"{self.shown} cannot be used: {cause(error)} Check execution.storage and the "
                "server; a password may stand in PGPASSWORD or ~/.pgpass."
            ) from error

    @contextmanager
    def alone(self, purpose: str) -> Iterator[None]:
        """Keep other engines from doing the same thing at the same time; they wait.

        Raises:
            StorageError: The server stayed away.
        """
        connection = patiently(lambda: self._locked(purpose))
        try:
            yield
        finally:
            # The lock ends with its transaction, and that with its connection, lost or not.
            with suppress(OperationalError):
                connection.close()

    def _locked(self, purpose: str) -> sqlalchemy.Connection:
        key = zlib.crc32(f"hpo-torch {purpose}".encode())
        connection = self.engine.connect()
        try:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()
