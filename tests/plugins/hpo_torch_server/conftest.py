"""The API's application on an empty folder of runs."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from api_app import opened_api
from server_database import opened
from supervised import Place

from hpo_torch_server import supervisor


@pytest.fixture
def make_api(tmp_path):
    """Make applications with settings of a test's choice, on one folder."""
    with ExitStack() as opened:
        yield lambda **settings: opened.enter_context(opened_api(tmp_path / "runs", **settings))


@pytest.fixture
def api(make_api):
    """An application on loopback, without keys."""
    return make_api()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of state and a database for supervisors that look at their jobs often."""
    monkeypatch.setattr(supervisor, "BUSY_SECONDS", 0.05)
    for engine in opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"):
        made = Place(tmp_path, engine)
        yield made
        made.end_all()
