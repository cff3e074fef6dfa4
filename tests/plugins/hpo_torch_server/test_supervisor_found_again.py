"""What a server finds that is started after another one, and where two want the same."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil
import pytest
from job_program import PROGRAM
from killed import kill_at
from server_database import opened
from supervised import LONG, MARKS, SECONDS, Place

from hpo_torch.errors import UsageError
from hpo_torch_server.job_store import JobStore
from hpo_torch_server.processes import JobProcess
from hpo_torch_server.states import ENDED, JobState
from hpo_torch_server.supervisor import Supervisor

pytestmark = MARKS


def test_removal_that_a_dead_server_began_is_finished(place):
    place.create("a")
    place.supervise()
    place.until("a", JobState.COMPLETED)
    place.supervisor.stop()
    place.store.note("a", {JobState.COMPLETED}, wanted="remove")
    (place.root / "a" / "config.yaml").unlink()
    place.supervise()
    assert place.store.get("a") is None
    assert not (place.root / "a").exists()


def test_second_server_on_a_folder_is_refused(place):
    place.supervise()
    second = Supervisor(place.store, place.engine, state_dir=place.state)
    with pytest.raises(UsageError, match=f"another server works on {place.state}"):
        second.start()
    place.supervisor.stop()
    second.start()
    second.stop()


def test_database_of_another_folder_is_refused(place, tmp_path):
    place.supervise()
    place.supervisor.stop()
    other = Supervisor(place.store, place.engine, state_dir=tmp_path / "other")
    with pytest.raises(UsageError, match="belongs to the server of another folder"):
        other.start()
    place.supervise()  # its own folder is free, and fits


def test_ended_server_leaves_its_jobs_and_the_next_one_finds_them(place):
    place.create("a", trials=20, pause=0.05)
    place.create("b")
    place.supervise()
    before = place.until("a", JobState.RUNNING)
    place.supervisor.stop()
    assert psutil.pid_exists(before.process.pid)
    place.supervise()
    place.until("b", *ENDED)
    row = place.store.get("a")
    assert (row.state, row.starts, row.process) == ("completed", 1, before.process)
    assert place.trials("a") == list(range(20))


def test_jobs_that_ended_or_died_without_a_server_are_found_so(place):
    for name, ways in {"ended": {}, "died": {}}.items():
        place.create(name, trials=10, pause=0.05, **ways)
    place.supervise(places=2)
    rows = [place.until(name, JobState.RUNNING) for name in ("ended", "died")]
    place.until_event("died", "epoch_finished", 2)
    place.supervisor.stop()
    os.kill(rows[1].process.pid, signal.SIGKILL)
    processes = [JobProcess(row.process) for row in rows]
    while any(process.is_alive() for process in processes):
        time.sleep(0.05)
    place.supervise(places=2)
    rows = [place.until(name, *ENDED) for name in ("ended", "died")]
    assert [(row.state, row.starts) for row in rows] == [("completed", 1), ("completed", 2)]
    for name in ("ended", "died"):
        assert place.trials(name) == list(range(10))


def test_process_that_a_dead_server_did_not_note_is_found(place):
    place.create("a", trials=20, pause=0.05)
    place.supervise()
    before = place.until("a", JobState.RUNNING)
    place.supervisor.stop()
    # As if the server had been killed right behind the start of the process.
    with place.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'starting', pid = NULL")
    place.supervise()
    assert place.until("a", JobState.RUNNING).process == before.process
    row = place.until("a", *ENDED)
    assert (row.state, row.starts) == ("completed", 1)
    assert place.trials("a") == list(range(20))


def test_job_that_a_dead_server_was_about_to_start_is_started(place):
    place.create("a")
    place.store.move("a", {JobState.QUEUED}, JobState.STARTING, starts=1)
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.starts, row.deaths) == ("completed", 1, 0)


def test_servers_that_die_do_not_count_as_jobs_that_do(place):
    place.create("a")
    place.store.move("a", {JobState.QUEUED}, JobState.STARTING, starts=1, deaths=2)
    place.supervise()
    assert place.until("a", *ENDED).state == "completed"


def test_run_that_was_completed_before_a_server_noted_its_process_is_complete(place):
    place.create("a")
    place.supervise()
    place.until("a", JobState.COMPLETED)
    place.supervisor.stop()
    with place.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'starting', pid = NULL")
    place.supervise()
    place.until("a", JobState.COMPLETED)
    assert place.trials("a") == [0, 1]


def test_order_that_a_dead_server_did_not_carry_out_is_carried_out(place):
    place.create("a", **LONG)
    place.supervise()
    place.until_event("a", "epoch_finished")
    place.supervisor.stop()
    place.supervisor.stop_job("a")
    assert place.store.get("a").state == "stopping"
    place.supervise()
    place.until("a", JobState.STOPPED)


@pytest.mark.parametrize(("order", "state"), [("stop_job", "stopped"), ("pause_job", "paused")])
def test_order_to_a_job_whose_process_never_was_is_carried_out(place, order, state):
    place.create("a")
    place.store.move("a", {JobState.QUEUED}, JobState.STARTING, starts=1)
    place.supervise(start=False)
    getattr(place.supervisor, order)("a")
    place.supervisor.start()
    place.until("a", JobState(state))
    assert not place.root.exists()


def test_number_of_a_jobs_process_may_be_anothers_by_now(place):
    """After a restart of the machine: the number is a process's that has nothing to do with it."""
    innocent = subprocess.Popen(["sleep", "300"])
    try:
        place.create("a")
        place.store.move(
            "a", {JobState.QUEUED}, JobState.STARTING, starts=1, pid=innocent.pid, pid_created=1e9
        )
        place.store.move("a", {JobState.STARTING}, JobState.RUNNING)
        place.supervise()
        row = place.until("a", *ENDED)
        assert (row.state, row.starts) == ("completed", 2)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_run_that_the_user_went_on_with_is_followed(place):
    """A paused job that is resumed in the shell, and then on the server: one process, not two."""
    place.create("a", trials=20, pause=0.05)
    place.supervise()
    place.until_event("a", "epoch_finished")
    place.supervisor.pause_job("a")
    place.until("a", JobState.PAUSED)
    shell = subprocess.Popen([*PROGRAM, "resume", str(place.root / "a")])
    place.until_event("a", "study_started", 2)
    place.supervisor.resume_job("a")
    assert place.until("a", JobState.RUNNING).process.pid == shell.pid
    place.until_event("a", "study_finished", 2)
    shell.wait()
    assert place.until("a", *ENDED).state == "completed"
    assert place.trials("a") == list(range(20))


CALLS = [
    *((JobStore, "move", moment, n) for n in (1, 2, 3) for moment in ("before", "after")),
    *((JobStore, "note", moment, 1) for moment in ("before", "after")),
    (JobProcess, "start", "before", 1),
]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("owner", "method", "moment", "n"), CALLS)
def test_server_that_is_killed_at_any_step_loses_and_doubles_nothing(
    place, monkeypatch, owner, method, moment, n
):
    """Its n-th step is the last thing that a server does, or the last that it does not do."""
    place.create("a", trials=3, pause=0.2)
    with monkeypatch.context() as patch:
        calls = kill_at(patch, owner, method, moment, n)
        place.supervise()
        deadline = time.monotonic() + SECONDS
        while calls() < n:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        place.supervisor.stop()
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.error, row.deaths, row.starts) == ("completed", None, 0, 1)
    assert place.kinds("a").count("study_started") == 1
    assert place.trials("a") == [0, 1, 2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("method", ["note", "move"])
@pytest.mark.parametrize(("order", "state"), [("stop_job", "stopped"), ("pause_job", "paused")])
def test_server_that_is_killed_while_a_job_ends_ends_it(
    place, monkeypatch, method, moment, order, state
):
    """Either before or after it notes the signal that it sends, or the job's end."""
    place.create("a", **LONG)
    place.supervise(signals=(0.5, 60.0))
    place.until("a", JobState.RUNNING)
    place.until_event("a", "epoch_finished")
    place.supervisor.stop()
    getattr(place.supervisor, order)("a")
    with monkeypatch.context() as patch:
        calls = kill_at(patch, JobStore, method, moment, 1)
        place.supervise(signals=(0.5, 60.0))
        deadline = time.monotonic() + SECONDS
        while not calls():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        place.supervisor.stop()
    place.supervise(signals=(0.5, 60.0))
    row = place.until("a", JobState(state))
    assert not JobProcess(row.process).is_alive()
    assert place.kinds("a").count("study_started") == 1


def test_jobs_in_postgresql_are_found_again(database_url, tmp_path):
    for engine in opened(database_url):
        place = Place(tmp_path, engine)
        try:
            for name in ("a", "b"):
                place.create(name, trials=10, pause=0.05)
            place.supervise()
            before = place.until("a", JobState.RUNNING)
            place.supervisor.stop()
            place.supervise()
            rows = [place.until(name, *ENDED) for name in ("a", "b")]
            assert [(row.state, row.starts) for row in rows] == [("completed", 1)] * 2
            assert rows[0].process == before.process
            for name in ("a", "b"):
                assert place.trials(name) == list(range(10))
        finally:
            place.end_all()
