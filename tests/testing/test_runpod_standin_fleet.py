"""How many workers there are, and when; the workers only sleep, and jobs are taken by hand."""

from __future__ import annotations

import math
import sys

import pytest

from hpo_torch.testing.runpod_standin.endpoint import Endpoint
from hpo_torch.testing.runpod_standin.faults import Fault, Faults
from hpo_torch.testing.runpod_standin.fleet import Fleet
from hpo_torch.testing.runpod_standin.processes import ProcessGroups
from hpo_torch.testing.runpod_standin.queue import JobQueue

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


@pytest.fixture
def processes(tmp_path):
    made = ProcessGroups(tmp_path / "workers")
    yield made
    made.close()


@pytest.fixture
def fleet(processes):
    def make(**settings) -> Fleet:
        endpoint = Endpoint(**{"id": "ep", "command": SLEEP} | settings)
        return Fleet(JobQueue(endpoint), processes, lambda worker: {"ID": worker}, Faults())

    return make


def submit(fleet, count=1):
    return [fleet.queue.submit({"input": number}) for number in range(count)]


def tick(fleet, times=3):
    for _ in range(times):
        fleet.tick()
    return [each for each in fleet.workers if each.process is not None and each.ended is None]


def test_there_is_a_worker_a_request_up_to_the_maximum(fleet):
    made = fleet(workers_max=2)
    assert tick(made) == []
    submit(made, 5)
    assert len(tick(made)) == 2


def test_one_worker_may_be_enough_for_several_requests(fleet):
    made = fleet(scaler_value=3)
    submit(made, 4)
    assert len(tick(made)) == 2


def test_the_minimum_runs_without_requests(fleet):
    assert len(tick(fleet(workers_min=1))) == 1


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"workers_max": 0}, None),
        ({"cold_start_seconds": math.inf}, "initializing"),
        ({"worker_trouble": "unhealthy"}, "unhealthy"),
        ({"worker_trouble": "throttled"}, "throttled"),
    ],
)
def test_a_job_may_wait_for_ever(fleet, settings, state):
    made = fleet(**settings)
    submit(made)
    assert tick(made) == []
    assert [name for name, count in made.states().items() if count] == [state] * bool(state)


def test_a_worker_that_nobody_needs_any_more_does_not_start(fleet):
    made = fleet(cold_start_seconds=math.inf)
    (job,) = submit(made)
    tick(made)
    made.queue.cancel(job)
    tick(made)
    assert made.alive() == []
    assert made.workers[0].billed_seconds() == 0


def test_an_idle_worker_ends_and_a_busy_one_stays(fleet):
    made = fleet(idle_timeout_seconds=0.0)
    (job,) = submit(made)
    (worker,) = tick(made)
    made.heard_from(worker)
    made.queue.take(worker.id)
    tick(made)
    assert made.states()["running"] == 1
    made.queue.finish(job.id, worker.id, {"output": 1}, 1)
    tick(made)
    assert worker.stopping
    worker.process.wait(30)
    tick(made)
    assert worker.ended


def test_a_changed_endpoint_gets_new_workers(fleet):
    made = fleet(workers_min=1)
    (worker,) = tick(made)
    made.heard_from(worker)
    made.renew()
    tick(made)
    assert worker.stopping
    assert len(made.alive()) == 1


def test_a_worker_that_dies_at_its_start_is_started_again_after_a_pause(fleet):
    made = fleet(workers_min=1)
    made.faults.add(Fault(place="start", kind="kill_worker"))
    tick(made)
    first, second = made.workers
    assert first.process.returncode == -9
    assert second.process is None
    assert second.due - first.ended == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("code", "how"), [("raise SystemExit(3)", "with exit code 3"), ("", "with exit code 0")]
)
def test_the_job_of_a_worker_that_ended_tells_how(fleet, code, how):
    made = fleet(command=[sys.executable, "-S", "-c", code], worker_loss="fail")
    (job,) = submit(made)
    (worker,) = tick(made, 2)
    made.queue.take(worker.id)
    worker.process.wait(30)
    made.tick()
    assert (job.status, job.error) == ("FAILED", f"worker exited {how}")
