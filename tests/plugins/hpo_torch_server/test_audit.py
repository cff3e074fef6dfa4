from __future__ import annotations

import pytest
import sqlalchemy
from server_database import BEGIN, database_of, opened
from sqlalchemy.exc import DBAPIError

from hpo_torch_server.audit import AUDIT, REFUSALS_A_MINUTE, AuditLog
from hpo_torch_server.identity import Caller

ANN = Caller("ann", frozenset({"read"}), "0a1b2c3d", "10.0.0.1")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request, tmp_path):
    yield from opened(database_of(request.param, request, tmp_path))


@pytest.fixture
def audit(database):
    return AuditLog(database, lambda: BEGIN)


def test_it_says_who_did_what_when_and_how_it_ended(audit):
    audit.write(ANN, "stop job", "run-1", "done", "10.0.0.1")
    audit.write(None, "authenticate", "GET /api/v1/jobs", "refused: no key", "10.0.0.2")
    first, second = audit.entries()
    assert (first.owner, first.key, first.address) == ("ann", "0a1b2c3d", "10.0.0.1")
    assert (first.action, first.target, first.outcome) == ("stop job", "run-1", "done")
    assert first.time == BEGIN
    assert (second.owner, second.key) == ("", None)
    assert second.number > first.number


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET owner = 'x'", "DELETE FROM audit_log"])
def test_nothing_in_it_can_be_changed(audit, database, statement):
    audit.write(ANN, "stop job", "run-1", "done", "10.0.0.1")
    with pytest.raises(DBAPIError, match="append-only"), database.begin() as connection:
        connection.execute(sqlalchemy.text(statement))
    assert [entry.owner for entry in audit.entries()] == ["ann"]


def test_control_characters_and_length_are_no_way_to_forge_lines(audit):
    audit.write(None, "request", "GET /a\nb\x00c" + "x" * 1000, "refused: rate", "10.0.0.1")
    (entry,) = audit.entries()
    assert entry.target == "GET /a?b?c" + "x" * 490
    assert len(entry.target) == 500


def test_one_address_cannot_fill_the_disk_with_refusals(audit):
    for _ in range(REFUSALS_A_MINUTE + 30):
        audit.write(None, "authenticate", "GET /", "refused: no key", "10.0.0.1")
    audit.write(None, "authenticate", "GET /", "refused: no key", "10.0.0.2")
    addresses = [entry.address for entry in audit.entries()]
    # A minute may begin in between; without a limit it were 90.
    assert REFUSALS_A_MINUTE <= addresses.count("10.0.0.1") < REFUSALS_A_MINUTE + 30
    assert addresses.count("10.0.0.2") == 1


def test_what_was_done_is_written_however_much_is_refused(audit):
    for _ in range(REFUSALS_A_MINUTE + 1):
        audit.write(None, "authenticate", "GET /", "refused: no key", "10.0.0.1")
    audit.write(ANN, "stop job", "run-1", "done", "10.0.0.1")
    assert audit.entries()[-1].outcome == "done"


def test_a_database_that_is_away_ends_no_request(tmp_path, caplog):
    engine = next(opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"))
    AUDIT.drop(engine)
    AuditLog(engine, lambda: BEGIN).write(ANN, "stop job", "run-1", "done", "10.0.0.1")
    engine.dispose()
    assert "audit log could not be written: stop job run-1" in caplog.text
