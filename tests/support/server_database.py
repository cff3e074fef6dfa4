"""A server's database for tests, of each kind that there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hpo_torch.config.schema import RunConfig
from hpo_torch_server.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest
    from sqlalchemy import Engine

BEGIN = datetime(2026, 11, 28, 10, 20, 3, tzinfo=UTC)


class SteppingClock:
    """A clock that shows one second more at every look."""

    def __init__(self) -> None:
        self.time = BEGIN

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def settings(**search: Any) -> dict[str, Any]:
    """Return all settings of a run, as a request has them."""
    return RunConfig.model_validate({"search": search}).model_dump(mode="json")


def opened(url: str) -> Iterator[Engine]:
    """Yield the database of a URL, and close all connections after it."""
    engine = open_database(url)
    yield engine
    engine.dispose()


def database_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the URL of an empty database."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'server.sqlite3'}"
    return str(request.getfixturevalue("database_url"))
