from __future__ import annotations

from types import SimpleNamespace

import pytest

from hpo_torch_runpod.endpoint_client import UnreachableError
from hpo_torch_runpod.queue_watch import QueueWatch, why_nobody_works


def job(endpoint, since=None, *, runs=False, expired=False):
    return SimpleNamespace(endpoint=endpoint, queued_since=since, runs=runs, expired=expired)


def test_jobs_are_given_up_once():
    assert QueueWatch(300.0).stuck([job("a", 100.0, expired=True)], 1000.0) == []


def test_jobs_that_nobody_takes_are_stuck_once_the_time_is_over():
    waiting = [job("a", 100.0), job("a", 150.0), job("b", 390.0)]
    watch = QueueWatch(300.0)
    assert watch.stuck(waiting, 399.0) == []
    assert watch.stuck(waiting, 401.0) == waiting[:2]


def test_jobs_behind_a_running_one_wait_rightly():
    watch = QueueWatch(300.0)
    behind, running = job("a", 100.0), job("a", runs=True)
    assert watch.stuck([behind, running], 1000.0) == []
    # Once it has ended, the next is given as much time again.
    assert watch.stuck([behind], 1299.0) == []
    assert watch.stuck([behind], 1301.0) == [behind]


def test_a_running_job_elsewhere_does_not_count():
    behind = job("a", 100.0)
    assert QueueWatch(300.0).stuck([behind, job("b", runs=True)], 401.0) == [behind]


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        ({}, "Is the maximum of its workers 0"),
        ({"idle": 0, "running": 0}, "Is the maximum of its workers 0"),
        ({"throttled": 3}, "3 throttled: no GPU of its tier is free"),
        ({"unhealthy": 1, "idle": 0}, "1 unhealthy: its image may fail to start"),
        ({"initializing": 2}, "2 initializing: they may still be starting"),
    ],
)
def test_the_reason_is_read_from_its_workers(workers, words):
    client = SimpleNamespace(endpoint="ep", health=lambda: {"workers": workers})
    told = why_nobody_works(client, 300.0)
    assert told.startswith("RunPod endpoint ep: no worker took a job within 300 seconds; ")
    assert words in told


def test_jobs_behind_those_of_another_process_wait_rightly():
    workers = {"running": 1, "throttled": 2}
    client = SimpleNamespace(endpoint="ep", health=lambda: {"workers": workers})
    assert why_nobody_works(client, 300.0) == ""


def test_an_endpoint_that_does_not_answer_either_is_no_riddle():
    def health():
        raise UnreachableError("HTTP 503")

    told = why_nobody_works(SimpleNamespace(endpoint="ep", health=health), 5.0)
    assert told.endswith("its state is not known (HTTP 503)")
