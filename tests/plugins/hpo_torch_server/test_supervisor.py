"""Jobs and their owners' orders, with real processes that train nothing (`job_program`)."""

from __future__ import annotations

import psutil
import pytest
from job_program import make_run
from supervised import LONG, MARKS
from told_study import TRIAL

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import RunInUseError, UnknownNameError
from hpo_torch.results.run_lock import run_lock
from hpo_torch_server.states import ENDED, JobState, JobStateError

pytestmark = MARKS


def test_queued_jobs_run_one_after_the_other(place):
    for name in ("a", "b", "c"):
        place.create(name)
    place.supervise()
    rows = [place.until(name, *ENDED) for name in ("a", "b", "c")]
    for row in rows:
        assert (row.state, row.error, row.starts) == ("completed", None, 1)
        assert place.trials(row.id) == [0, 1]
        assert place.epochs(row.id) == [(0, 1), (0, 2), (1, 1), (1, 2)]
        assert row.created < row.started < row.ended
    assert rows[0].ended <= rows[1].started
    assert rows[1].ended <= rows[2].started


def test_as_many_jobs_run_at_once_as_there_are_places(place):
    place.supervise(places=2)
    for name in ("a", "b", "c"):
        place.create(name, **LONG)
    for name in ("a", "b"):
        place.until(name, JobState.RUNNING)
    waiting = place.store.get("c")
    assert (waiting.state, waiting.position) == ("queued", 1)
    place.supervisor.stop_job("a")
    assert place.until("c", JobState.RUNNING).position is None
    assert place.store.get("a").state == "stopped"
    assert place.store.get("b").state == "running"


def test_paused_job_goes_on_where_it_was(place):
    place.supervise()
    place.create("a", trials=6, pause=0.1)
    place.until_event("a", "epoch_finished", 3)
    assert place.supervisor.pause_job("a").state in {"pausing", "paused"}
    paused = place.until("a", JobState.PAUSED)
    assert (paused.wanted, paused.ended) == ("pause", None)
    assert not psutil.pid_exists(paused.process.pid)
    assert place.supervisor.resume_job("a").state in {"queued", "starting"}
    done = place.until("a", *ENDED)
    assert (done.state, done.starts, done.wanted) == ("completed", 2, "run")
    assert place.epochs("a") == [(trial, epoch) for trial in range(6) for epoch in (1, 2)]


def test_stopped_job_can_be_resumed(place):
    place.supervise()
    place.create("a", trials=4, pause=0.1)
    place.until_event("a", "epoch_finished")
    place.supervisor.stop_job("a")
    stopped = place.until("a", JobState.STOPPED)
    assert (stopped.wanted, stopped.signals) == ("stop", 1)
    assert stopped.ended is not None
    place.supervisor.resume_job("a")
    assert place.until("a", *ENDED).state == "completed"
    assert place.trials("a") == [0, 1, 2, 3]


def test_jobs_that_wait_are_paused_and_stopped_without_a_process(place):
    place.supervise(start=False)
    for name in ("a", "b"):
        place.create(name)
    assert place.supervisor.pause_job("a").state == "paused"
    assert place.supervisor.stop_job("b").state == "stopped"
    assert place.supervisor.stop_job("a").state == "stopped"
    assert place.supervisor.resume_job("a").position == 1
    assert not place.root.exists()


def test_orders_that_were_carried_out_are_no_errors(place):
    place.supervise(start=False)
    place.create("a")
    orders = place.supervisor
    assert orders.resume_job("a").state == "queued"
    assert [orders.pause_job("a").state for _ in range(2)] == ["paused", "paused"]
    assert [orders.stop_job("a").state for _ in range(2)] == ["stopped", "stopped"]


def test_orders_that_make_no_sense_say_what_would(place):
    place.supervise()
    place.create("a")
    place.until("a", JobState.COMPLETED)
    for order in ("stop_job", "pause_job", "resume_job"):
        with pytest.raises(JobStateError, match="job 'a' is completed, and cannot be") as raised:
            getattr(place.supervisor, order)("a")
        assert (raised.value.job, raised.value.state) == ("a", "completed")
    with pytest.raises(UnknownNameError, match="unknown job 'b'"):
        place.supervisor.stop_job("b")


def test_name_that_a_run_took_in_the_meantime_is_not_gone_on_with(place):
    place.create("a")
    make_run(place.root, "a", RunConfig(), TRIAL, None)
    before = sorted(path.read_bytes() for path in (place.root / "a").rglob("*"))
    place.supervise()
    row = place.until("a", *ENDED)
    assert row.state == "failed"
    assert "exists already" in row.error
    place.supervisor.remove_job("a")
    assert sorted(path.read_bytes() for path in (place.root / "a").rglob("*")) == before


def test_settings_of_the_servers_environment_are_not_the_jobs(place, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_SEARCH_TRIALS", "7")
    monkeypatch.setenv("HPO_TORCH_API_KEY", "hpt_1_secret")
    monkeypatch.setenv("HPO_TORCH_TEST_DATA", "somewhere")
    place.create("a", **LONG)
    place.supervise()
    row = place.until("a", JobState.RUNNING)
    environment = psutil.Process(row.process.pid).environ()
    ours = {name: value for name, value in environment.items() if name.startswith("HPO_TORCH_")}
    assert ours == {"HPO_TORCH_TEST_DATA": "somewhere"}


def test_removed_job_leaves_nothing(place):
    place.create("a")
    place.create("b")
    place.supervise()
    place.until("a", JobState.COMPLETED)
    place.supervisor.remove_job("a")
    assert place.store.get("a") is None
    assert not (place.root / "a").exists()
    assert not (place.state / "jobs" / "a").exists()
    place.create("a")
    assert place.until("a", *ENDED).state == "completed"


def test_job_with_a_process_is_not_removed(place):
    place.create("a", **LONG)
    place.supervise()
    place.until("a", JobState.RUNNING)
    with pytest.raises(JobStateError, match="job 'a' is running, and cannot be removed"):
        place.supervisor.remove_job("a")
    assert place.store.get("a").wanted == "run"


def test_runs_of_others_are_left_alone(place):
    make_run(place.root, "theirs", RunConfig(), TRIAL, None)
    place.supervise()
    for order in ("stop_job", "pause_job", "resume_job", "remove_job"):
        with pytest.raises(JobStateError, match="'theirs' was not started by this server"):
            getattr(place.supervisor, order)("theirs")
    assert (place.root / "theirs" / "config.yaml").exists()


def test_run_on_which_a_process_works_is_not_removed(place):
    place.create("a")
    place.supervise()
    place.until("a", JobState.COMPLETED)
    with run_lock(place.root / "a"), pytest.raises(RunInUseError):
        place.supervisor.remove_job("a")
    place.supervisor.remove_job("a")
    assert place.store.get("a") is None
