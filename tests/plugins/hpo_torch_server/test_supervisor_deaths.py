"""What a supervisor makes of processes, disks and databases that fail."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from supervised import LONG, MARKS, SECONDS

from hpo_torch.errors import OutputError, StorageError
from hpo_torch_server import supervisor as supervisor_module
from hpo_torch_server.job_store import JobStore
from hpo_torch_server.states import ENDED, JobState

pytestmark = MARKS


def test_deaf_process_is_killed_with_all_that_it_started(place):
    place.supervise(signals=(0.2, 0.2))
    place.create("a", deaf=True, **LONG)
    place.until_event("a", "epoch_finished")
    place.supervisor.stop_job("a")
    row = place.until("a", JobState.STOPPED)
    assert row.signals >= 3
    assert not psutil.pid_exists(row.process.pid)


def test_dead_process_is_followed_by_one_that_goes_on(place):
    place.create("a", deaths=2, progress=1)
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.starts) == ("completed", 3)
    assert place.epochs("a") == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert place.log("a").count("---- start ") == 3


def test_processes_that_get_nowhere_are_given_up(place):
    place.create("a", deaths=9)
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.starts) == ("failed", 3)
    assert "3 of its processes in a row died without finishing an epoch" in row.error
    place.supervisor.resume_job("a")
    assert place.until("a", *ENDED).starts == 6  # the count began anew


def test_every_epoch_gives_new_patience(place):
    place.create("a", deaths=5, progress=1, trials=3)
    place.supervise(deaths=2)
    row = place.until("a", *ENDED)
    assert (row.state, row.starts) == ("completed", 6)


def test_crash_is_told_by_its_last_lines(place):
    place.create("a", crash=True)
    place.supervise()
    row = place.until("a", *ENDED)
    assert row.state == "failed"
    assert row.error.endswith("RuntimeError: crashed on purpose")


def test_refusal_is_told_at_once_and_in_its_own_words(place):
    place.create("a", refuse=4)
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.starts, row.error) == ("failed", 1, "refused for test a")


def test_process_that_died_before_its_run_began_is_followed_by_one_that_begins_it(place):
    place.create("a", unbegun=True)
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.starts) == ("completed", 2)
    assert place.trials("a") == [0, 1]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("nothing", "no trial completed: all trials done"), ("broken", "broke off: trial 1: no disk")],
)
def test_search_without_a_result_has_failed(place, outcome, words):
    place.create("a", outcome=outcome)
    place.supervise()
    row = place.until("a", *ENDED)
    assert row.state == "failed"
    assert row.error.endswith(words)


def test_damaged_run_fails_its_job_and_no_other(place):
    place.create("a", trials=3, pause=0.1)
    place.create("b")
    place.supervise()
    row = place.until("a", JobState.RUNNING)
    (place.root / "a" / "summary.json").write_text("{}")
    os.kill(row.process.pid, signal.SIGKILL)
    assert place.until("b", *ENDED).state == "completed"
    row = place.store.get("a")
    assert row.state == "failed"
    assert "summary.json is no RunSummary" in row.error


def test_full_disk_under_the_settings_fails_the_job_with_its_reason(place, monkeypatch):
    place.create("a")
    place.create("b")
    real = supervisor_module.StateFolder.write_config

    def full(folder, row):
        if row.id == "a":
            raise OutputError("cannot write config.yaml: No space left on device.")
        real(folder, row)

    monkeypatch.setattr(supervisor_module.StateFolder, "write_config", full)
    place.supervise()
    assert place.until("b", *ENDED).state == "completed"
    row = place.store.get("a")
    assert (row.state, row.error) == (
        "failed",
        "cannot write config.yaml: No space left on device.",
    )


def test_nothing_is_done_that_could_not_be_written_down(place, monkeypatch):
    """The disk of the database is full, or it is away: jobs go on, and are cared for later."""
    monkeypatch.setattr(supervisor_module, "STORAGE_AWAY_SECONDS", 0.05)
    place.create("a", **LONG)
    place.supervise()
    row = place.until("a", JobState.RUNNING)
    place.create("b")
    tried = []

    def refuse(store, job, *arguments, **fields):
        tried.append(job)
        raise StorageError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "move", refuse)
        with pytest.raises(StorageError):
            place.supervisor.stop_job("a")
        os.kill(row.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while tried.count("a") < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert place.store.get("a") == row
        assert place.kinds("b") == []
    place.until_event("a", "study_started", 2)
    assert place.store.get("a").starts == 2
    place.supervisor.stop_job("a")
    assert place.until("b", *ENDED).state == "completed"


def test_process_that_could_not_be_noted_is_followed_and_noted_later(place, monkeypatch):
    monkeypatch.setattr(supervisor_module, "STORAGE_AWAY_SECONDS", 0.05)
    real, calls = JobStore.note, []

    def refuse_once(store, job, states, **fields):
        calls.append(fields)
        if len(calls) == 1:
            raise StorageError("database or disk is full")
        return real(store, job, states, **fields)

    monkeypatch.setattr(JobStore, "note", refuse_once)
    place.create("a")
    place.supervise()
    row = place.until("a", *ENDED)
    assert (row.state, row.starts) == ("completed", 1)
    assert calls[0] == calls[1] == {"pid": row.process.pid, "pid_created": row.process.created}
