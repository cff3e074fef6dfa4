"""The stand-in between the real SDK's client and a real worker of the SDK."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
import requests

from hpo_torch.testing.runpod_standin import Endpoint, Fault, RunpodStandin

HANDLERS = Path(__file__).parent.parent / "assets" / "runpod_handlers"
COMMAND = [sys.executable, "-u", str(HANDLERS / "steps.py")]
LONG = {"steps": 6000, "seconds": 0.05}

# A worker needs seconds of processor time to import runpod, and other tests may have it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def standin():
    with RunpodStandin() as made:
        # One worker process for all tests but those about workers.
        made.add_endpoint(
            Endpoint(
                id="shared",
                command=COMMAND,
                env={"CONCURRENCY": "4"},
                workers_min=1,
                scaler_value=100,
                ping_seconds=1,
                chunk_limit_bytes=2000,
                result_limit_bytes=4000,
            )
        )
        yield made


@pytest.fixture
def client(standin, monkeypatch):
    standin.faults.clear()
    for name, value in standin.environment().items():
        monkeypatch.setenv(name, value)
    import runpod

    monkeypatch.setattr(runpod, "endpoint_url_base", os.environ["RUNPOD_ENDPOINT_BASE_URL"])
    made = runpod.Endpoint("shared", api_key=standin.api_key)
    yield made
    made.rp_client.rp_session.close()


@pytest.fixture
def run(client):
    def run(policy=None, **wish):
        return client.run({"input": wish, "policy": policy or {}})

    return run


def status(client, job):
    return client.rp_client.get(f"shared/status/{job.job_id}")


def ended(standin, *jobs):
    standin.wait_for(lambda: all(standin.job(job.job_id).final for job in jobs), 120)


def test_jobs_are_done_and_tell_output_chunks_and_errors(standin, client, run):
    good, bad = run(steps=3), run(steps=1, fail="no memory")
    streamed = list(good.stream())
    ended(standin, good, bad)

    said = status(client, good)
    assert [chunk["step"] for chunk in streamed] == [0, 1, 2]
    assert (said["status"], said["output"]) == ("COMPLETED", streamed)
    record = standin.job(good.job_id)
    worker = standin.workers[0]
    assert said["workerId"] == worker.id
    assert streamed[0]["pid"] == worker.process.pid
    assert [name for _, name in record.history] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    first, taken, done = (at for at, _ in record.history)
    assert said["delayTime"] == round(1000 * (taken - first))
    assert said["executionTime"] == round(1000 * (done - taken))
    assert [chunk["output"] for chunk in record.chunks] == streamed

    failed = status(client, bad)
    assert failed["status"] == "FAILED"
    assert "ValueError: no memory" in failed["error"]


def test_jobs_that_run_are_cancelled_timed_out_or_removed(standin, client, run):
    cancelled = run(**LONG)
    timed_out = run(**LONG, policy={"executionTimeout": 1000})
    standin.wait_for(
        lambda: all(standin.job(each.job_id).chunks for each in (cancelled, timed_out))
    )
    removed = run(**LONG)
    standin.wait_for(lambda: standin.job(removed.job_id).chunks)
    standin.job(removed.job_id).ttl = 0.0

    assert cancelled.cancel()["status"] == "CANCELLED"
    ended(standin, timed_out)
    standin.wait_for(lambda: standin.job(removed.job_id).gone)

    said = status(client, timed_out)
    assert (said["status"], said["error"]) == ("TIMED_OUT", "job timed out")
    assert said["executionTime"] >= 1000
    with pytest.raises(requests.HTTPError, match="404"):
        status(client, removed)
    # Not the handler's own word: one that is stopped while the SDK sends its chunk hears nothing.
    lines = [
        f'"{job.job_id}", "message": "Job stopped."' for job in (cancelled, timed_out, removed)
    ]
    worker = standin.workers[0].id
    standin.wait_for(lambda: all(line in standin.log_of(worker) for line in lines))
    assert len(standin.workers) == 1  # stopping a job does not end its worker


def test_a_job_in_the_queue_is_cancelled_purged_or_past_its_ttl(standin, client, monkeypatch):
    standin.add_endpoint(Endpoint(id="closed", command=COMMAND, workers_max=0))
    monkeypatch.setattr(client, "endpoint_id", "closed")
    cancelled, expired, purged = (
        client.run({"input": {"steps": 1}, "policy": policy}) for policy in ({}, {"ttl": 100}, {})
    )
    assert cancelled.cancel()["status"] == "CANCELLED"
    standin.wait_for(lambda: standin.job(expired.job_id).gone)
    assert client.purge_queue() == {"removed": 1, "status": "completed"}
    assert cancelled.status() == "CANCELLED"
    for job in (expired, purged):
        with pytest.raises(requests.HTTPError, match="404"):
            job.status()
    assert set(client.health()["workers"].values()) == {0}
    standin.remove_endpoint("closed")


def test_results_are_forgotten(standin, client, run):
    job = run(steps=1)
    ended(standin, job)
    standin.job(job.job_id).retention = 0.0
    standin.wait_for(lambda: standin.job(job.job_id).gone)
    with pytest.raises(requests.HTTPError, match="404"):
        job.status()


def test_too_large_chunks_are_lost_and_too_large_results_fail(standin, client, run):
    chunk, result = run(steps=1, bytes=3000), run(steps=200)
    ended(standin, chunk, result)
    assert [each["output"]["step"] for each in standin.job(chunk.job_id).chunks] == [0]
    assert len(status(client, chunk)["output"]) == 2  # the result has it all the same
    assert "at most 4000" in status(client, result)["error"]


def test_the_sdk_hears_of_refusals(standin, client, run, monkeypatch):
    standin.faults.add(*(Fault(place="submit", kind="answer", status=code) for code in (429, 503)))
    for code in ("429", "503"):
        with pytest.raises(requests.HTTPError, match=code):
            run(steps=1)
    monkeypatch.setitem(client.rp_client.headers, "Authorization", "Bearer wrong")
    with pytest.raises(RuntimeError, match="401 Unauthorized"):
        run(steps=1)


def test_a_submit_whose_answer_is_lost_may_have_made_a_job(standin, run):
    before = len(standin.jobs)
    standin.faults.add(Fault(place="submit", kind="drop_before"))
    with pytest.raises(requests.ConnectionError):
        run(steps=1)
    assert len(standin.jobs) == before
    standin.faults.add(Fault(place="submit", kind="drop_after"))
    with pytest.raises(requests.ConnectionError):
        run(steps=1)
    assert len(standin.jobs) == before + 1
    standin.wait_for(lambda: standin.jobs[-1].final)


def test_a_result_lost_twice_is_delivered_by_the_sdk_a_third_time(standin, client, run):
    standin.faults.add(Fault(place="done", kind="answer", status=500, times=2))
    job = run(steps=1)
    ended(standin, job)
    assert standin.counts.requests("done", job=job.job_id) == 3
    assert status(client, job)["status"] == "COMPLETED"


def test_a_result_lost_for_good_leaves_the_job_running(standin, client, run):
    standin.faults.add(Fault(place="done", kind="answer", status=500, times=None))
    job = run(steps=1)
    standin.wait_for(lambda: standin.counts.requests("done", job=job.job_id) == 3)
    assert job.status() == "IN_PROGRESS"
    job.cancel()


def test_the_worker_pings_and_names_its_jobs(standin, run):
    job = run(**LONG)
    worker = standin.workers[0]
    standin.wait_for(lambda: any(job.job_id in jobs for _, jobs in worker.pings))
    job.cancel()


class Cold:
    """An endpoint whose workers start on demand, one at a time."""

    def __init__(self, standin: RunpodStandin, client) -> None:
        self.standin, self.client = standin, client
        client.endpoint_id = "cold"
        self.endpoint = standin.add_endpoint(
            Endpoint(
                id="cold", command=COMMAND, workers_max=1, cold_start_seconds=0.5, stop_seconds=60.0
            )
        )
        self._others = {each.id for each in standin.workers}

    @property
    def workers(self):
        return [each for each in self.standin.workers if each.id not in self._others]

    def run(self, **wish):
        return self.standin.job(self.client.run({"input": wish}).job_id)


@pytest.fixture
def cold(standin, client):
    made = Cold(standin, client)
    yield made
    standin.remove_endpoint("cold")


def test_workers_start_on_demand_die_and_stop_when_idle(standin, client, cold):
    job = cold.run(steps=40, seconds=0.05)
    standin.wait_for(lambda: cold.workers)
    assert client.health()["workers"]["initializing"] == 1
    standin.wait_for(lambda: job.chunks, 120)
    assert cold.workers[0].due - cold.workers[0].wanted >= 0.5
    _kill_and_let_it_be_requeued(standin, cold, job)

    cold.endpoint.worker_loss = "fail"
    standin.faults.add(Fault(place="done", kind="kill_worker", endpoint="cold"))
    lost = cold.run(steps=1)
    standin.wait_for(lambda: lost.final)
    assert (lost.status, lost.error) == ("FAILED", "worker exited by SIGKILL")

    cold.endpoint.idle_timeout_seconds = 0.2
    last = cold.run(steps=1)
    standin.wait_for(lambda: last.final, 120)
    standin.wait_for(lambda: cold.workers[-1].ended, 60)
    returned = [each.process.returncode for each in cold.workers]
    assert returned == [-signal.SIGKILL, -signal.SIGKILL, 0]  # the last one was asked to end


def _kill_and_let_it_be_requeued(standin, cold, job):
    first = cold.workers[0]
    family = [psutil.Process(first.process.pid)]
    family += family[0].children(recursive=True)
    standin.kill_worker(job)
    standin.wait_for(lambda: not any(each.is_running() for each in family))

    standin.wait_for(lambda: job.final, 120)
    assert [status for _, status in job.history] == [
        *("IN_QUEUE", "IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS"),
        "COMPLETED",
    ]
    assert job.workers == [each.id for each in cold.workers]
    assert {each["pid"] for each in job.output} == {cold.workers[1].process.pid}
    assert [each["step"] for each in job.output] == list(range(40))
