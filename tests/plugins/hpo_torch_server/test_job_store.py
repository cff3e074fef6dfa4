from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta

import pytest
from job_program import make_run, summary_of
from server_database import BEGIN, SteppingClock, database_of, opened, settings
from told_study import TRIAL

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import InvalidValueError
from hpo_torch_server.job_store import JobStore, NameTakenError, RepeatedKeyError
from hpo_torch_server.states import JobState


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    yield from opened(database_of(request.param, request, tmp_path / "state"))


@pytest.fixture
def store(engine, tmp_path):
    return JobStore(engine, tmp_path / "runs", SteppingClock())


def named(store, *names, owner="ann"):
    return [store.create(owner, settings(), name) for name in names]


def test_new_job_waits_and_has_its_own_folder(store, tmp_path):
    row = store.create("ann", settings(trials=3), "first")
    assert (row.id, row.owner, row.state, row.wanted) == ("first", "ann", "queued", "run")
    assert row.created == BEGIN + timedelta(seconds=1)
    assert (row.started, row.ended, row.process, row.error) == (None, None, None, None)
    assert (row.position, row.starts, row.ours) == (1, 0, True)
    assert row.run == tmp_path / "runs" / "first"
    assert row.config["output"]["dir"] == str(tmp_path / "runs")
    assert row.config["output"]["name"] == "first"
    assert row.config["search"]["trials"] == 3
    assert store.get("first") == row
    assert store.get("second") is None


def test_default_name_is_a_runs_and_nobody_elses(store):
    rows = [store.create("ann", settings(mode="simple")) for _ in range(3)]
    local = BEGIN.astimezone().strftime("%Y-%m-%dT%H-%M-")
    for row in rows:
        assert re.fullmatch(rf"{local}\d\d_digits_simple-val_accuracy-[0-9a-f]{{4}}", row.id)
    assert len({row.id for row in rows}) == 3


def test_names_that_are_taken_or_no_names_are_refused(store, tmp_path):
    named(store, "first")
    (tmp_path / "runs" / "theirs").mkdir(parents=True)
    for name in ("first", "theirs"):
        with pytest.raises(NameTakenError, match=f"there is a job or a run '{name}' already"):
            store.create("bob", settings(), name)
    for name in ("../first", "", ".server", "a/b"):
        with pytest.raises(InvalidValueError):
            store.create("bob", settings(), name)


def test_jobs_stand_in_line_in_order_and_go_to_its_end(store):
    named(store, "a", "b", "c")
    store.move("a", {JobState.QUEUED}, JobState.PAUSED)
    assert [store.get(job).position for job in "abc"] == [None, 1, 2]
    store.move("a", {JobState.PAUSED}, JobState.QUEUED)
    assert [row.id for row in store.where({JobState.QUEUED})] == ["b", "c", "a"]
    assert [store.get(job).position for job in "abc"] == [3, 1, 2]
    assert [row.position for row in store.list().items] == [2, 1, 3]  # c, b, a


def test_state_changes_only_from_where_it_is(store):
    named(store, "a")
    moved = store.move("a", {JobState.QUEUED}, JobState.STARTING, pid=7, pid_created=1.25, starts=1)
    assert (moved.state, moved.process.pid, moved.process.created) == ("starting", 7, 1.25)
    assert store.move("a", {JobState.QUEUED}, JobState.STARTING) is None
    assert store.move("none", {JobState.QUEUED}, JobState.STARTING) is None
    with pytest.raises(ValueError, match="a starting job cannot become paused"):
        store.move("a", {JobState.STARTING}, JobState.PAUSED)
    assert store.get("a") == moved


def test_end_has_its_time_until_the_job_is_queued_again(store):
    named(store, "a")
    store.move("a", {JobState.QUEUED}, JobState.STARTING)
    failed = store.move("a", {JobState.STARTING}, JobState.FAILED, error="why")
    assert failed.error == "why"
    assert failed.ended > failed.created
    again = store.move("a", {JobState.FAILED}, JobState.QUEUED)
    assert (again.error, again.ended) == (None, None)


def test_of_two_who_move_a_job_one_does(engine, store, tmp_path):
    named(store, "a")
    moves = []

    def move():
        other = JobStore(engine, tmp_path / "runs")
        moves.append(other.move("a", {JobState.QUEUED}, JobState.STARTING))

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([row for row in moves if row is not None]) == 1


def test_notes_change_a_job_only_in_a_state(store):
    named(store, "a")
    assert store.note("a", {JobState.QUEUED}, signals=1)
    assert not store.note("a", {JobState.RUNNING}, signals=2)
    assert store.get("a").signals == 1


def test_repeated_key_gets_the_job_of_the_first_request(store):
    first = store.create("ann", settings(), None, ("key", "hash"))
    assert store.create("ann", settings(), None, ("key", "hash")) == first
    assert store.create("ann", settings(), "named", ("key", "hash")) == first
    assert store.create("bob", settings(), None, ("key", "hash")).id != first.id
    assert store.create("ann", settings(), None, ("other", "hash")).id != first.id
    with pytest.raises(RepeatedKeyError, match=rf"another request, which made job '{first.id}'"):
        store.create("ann", settings(), None, ("key", "another hash"))
    assert store.list().total == 3


def test_of_many_requests_at_once_with_one_key_one_makes_a_job(engine, tmp_path):
    ids = []

    def create():
        store = JobStore(engine, tmp_path / "runs")
        ids.append(store.create("ann", settings(), None, ("key", "hash")).id)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert JobStore(engine, tmp_path / "runs").list().total == 1


def test_forgotten_job_takes_its_key_along(store):
    first = store.create("ann", settings(), "a", ("key", "hash"))
    store.delete("a")
    assert store.get("a") is None
    assert store.create("ann", settings(), "b", ("key", "hash")).id != first.id


def test_pages_hold_every_job_once_newest_first(store):
    named(store, *"abcdefg")
    pages, cursor = [], None
    while True:
        page = store.list(cursor=cursor, limit=3)
        assert page.total == 7
        pages.append([row.id for row in page.items])
        if (cursor := page.next) is None:
            break
    assert pages == [["g", "f", "e"], ["d", "c", "b"], ["a"]]


def test_pages_stay_as_they_were_while_jobs_are_added(store):
    named(store, *"abcd")
    page = store.list(limit=2)
    named(store, "e")
    assert [row.id for row in store.list(cursor=page.next, limit=2).items] == ["b", "a"]


def test_jobs_of_one_moment_are_on_one_page_each(engine, tmp_path):
    store = JobStore(engine, tmp_path / "runs", lambda: BEGIN)
    named(store, "b", "A", "a", "_", "B")
    ids, cursor = [], None
    while True:
        page = store.list(cursor=cursor, limit=1)
        ids += [row.id for row in page.items]
        if (cursor := page.next) is None:
            break
    assert ids == ["b", "a", "_", "B", "A"]


def test_lists_are_of_an_owner_and_of_states(store):
    named(store, "a", "b")
    named(store, "c", owner="bob")
    store.move("b", {JobState.QUEUED}, JobState.STOPPED)
    assert [row.id for row in store.list("ann").items] == ["b", "a"]
    assert [row.id for row in store.list("ann", {JobState.STOPPED}).items] == ["b"]
    assert store.list("ann", {JobState.STOPPED}).total == 1
    assert [row.id for row in store.list(states={JobState.QUEUED}).items] == ["c", "a"]
    assert [row.id for row in store.where({JobState.QUEUED}, "ann")] == ["a"]
    assert sorted(store.owned("ann")) == ["a", "b"]


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "W10", "WyJ4IiwieSJd", "é"])
def test_foreign_cursor_is_refused(store, cursor):
    with pytest.raises(InvalidValueError, match="cursor"):
        store.list(cursor=cursor)


def test_runs_of_others_are_jobs_that_can_be_read(store, tmp_path):
    summary = summary_of("theirs", "all trials done")
    make_run(tmp_path / "runs", "theirs", RunConfig(), TRIAL, summary)
    (ours,) = named(store, "ours")
    theirs = store.get("theirs")
    assert (theirs.owner, theirs.ours, theirs.state) == ("", False, "completed")
    assert theirs.run == tmp_path / "runs" / "theirs"
    assert theirs.config == RunConfig().model_dump(mode="json")
    assert theirs.created == datetime.fromisoformat(TRIAL[0].time)
    assert {row.id for row in store.list().items} == {"ours", "theirs"}
    assert store.list().total == 2
    assert store.list("ann").items == [ours]
    assert store.list(states={theirs.state}).items == [theirs]
    assert store.get("../runs/theirs") is None
