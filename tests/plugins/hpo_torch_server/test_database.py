from __future__ import annotations

import sqlite3
import threading

import pytest
import sqlalchemy
from server_database import BEGIN, database_of, opened
from sqlalchemy import column, insert, select, table, text, update

from hpo_torch.errors import StorageError, UsageError
from hpo_torch_server.database import open_database, reading, shown, writing
from hpo_torch_server.tables import UtcDateTime, server_table


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return database_of(request.param, request, tmp_path / "state")


@pytest.fixture
def engine(url):
    yield from opened(url)


def test_tables_are_made_once_and_found_again(url, engine):
    with writing(engine) as connection:
        connection.execute(update(server_table).values(state_id="mine"))
    for again in opened(url):
        with reading(again) as connection:
            assert connection.execute(select(server_table)).all() == [(1, 1, "mine")]


def test_another_versions_tables_are_refused_without_the_password(url, engine):
    with writing(engine) as connection:
        connection.execute(update(server_table).values(version=7))
    with pytest.raises(UsageError, match="expected tables of version 1, got 7") as raised:
        open_database(url)
    assert "open-sesame" not in str(raised.value)
    assert "open-sesame" not in shown(engine)


def test_failed_block_changes_nothing(engine):
    def fail():
        with writing(engine) as connection:
            connection.execute(update(server_table).values(state_id="mine"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(engine) as connection:
        assert connection.scalar(select(server_table.c.state_id)) is None


def test_reader_sees_one_state_while_another_thread_writes(engine):
    with reading(engine) as reader:
        if engine.dialect.name == "postgresql":
            reader.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        assert reader.scalar(select(server_table.c.state_id)) is None

        def write():
            with writing(engine) as connection:
                connection.execute(update(server_table).values(state_id="mine"))

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()  # a reader keeps nobody from writing
        assert reader.scalar(select(server_table.c.state_id)) is None


def test_writers_wait_for_each_other(engine):
    def count():
        for _ in range(20):
            with writing(engine) as connection:
                query = select(server_table.c.version)
                if engine.dialect.name == "postgresql":
                    query = query.with_for_update()
                version = connection.scalar(query)
                connection.execute(update(server_table).values(version=version + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.scalar(select(server_table.c.version)) == 1 + 4 * 20


def test_moments_come_back_with_their_zone(engine):
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE moments (at TIMESTAMP)"))
        moments = table("moments", column("at", UtcDateTime()))
        connection.execute(insert(moments).values(at=BEGIN.replace(microsecond=5)))
        assert connection.scalar(select(moments.c.at)) == BEGIN.replace(microsecond=5)
        with pytest.raises(sqlalchemy.exc.StatementError, match="a time with its zone"):
            connection.execute(insert(moments).values(at=BEGIN.replace(tzinfo=None)))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:secret@db/x",
        "sqlite://",
        "sqlite:///:memory:",
        "secret",
        "postgresql://a:b:c:d",
    ],
)
def test_other_databases_are_refused_without_showing_more_than_their_kind(url):
    with pytest.raises(UsageError, match="expected postgresql://") as raised:
        open_database(url)
    assert "secret" not in str(raised.value)


def test_full_disk_is_one_clear_message(tmp_path):
    for engine in opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"):
        with engine.connect() as connection:  # the pool hands out the same one again
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        big = text("CREATE TABLE big AS SELECT zeroblob(10000000)")
        with (
            pytest.raises(StorageError, match=r"server\.sqlite3 cannot be used: .*full\.$"),
            writing(engine) as connection,
        ):
            connection.execute(big)


def test_file_that_is_no_database_is_one_clear_message(tmp_path):
    (tmp_path / "server.sqlite3").write_text("no database " * 100)
    with pytest.raises(StorageError, match="cannot be used: file is not a database"):
        open_database(f"sqlite:///{tmp_path / 'server.sqlite3'}")


def test_states_survive_a_loss_of_power(tmp_path):
    for engine in opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert sqlite3.connect(tmp_path / "server.sqlite3").execute("SELECT 1").fetchone() == (1,)
