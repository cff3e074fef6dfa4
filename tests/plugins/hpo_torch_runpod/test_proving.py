"""The first job that goes to an endpoint finds out whether its workers can train at all."""

from __future__ import annotations

import os
import sys

import pytest
from cloud_backend import ENDPOINTS, ends, submit, train, until, until_ended
from trial_words import brief, finished, started

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.execution.backend import RunSite
from hpo_torch.testing.fake_training import fake_job
from hpo_torch.testing.runpod_standin import Endpoint
from hpo_torch_runpod.backend import RunpodBackend
from hpo_torch_runpod.endpoint_client import RefusedError
from hpo_torch_runpod.ledger import Ledger
from hpo_torch_runpod.wire import NO_DATA, REFUSED

SMALL, LARGE = ENDPOINTS["AMPERE_16"], ENDPOINTS["AMPERE_48"]
NOWHERE = f"{NO_DATA}'cifar10' is neither in the image nor in /runpod-volume/hpo-torch/data"


def trials(count):
    return [fake_job(number) for number in range(count)]


def no_data(trial, kind="worker_died"):
    return finished(trial, "failed", failure_kind=kind, message=NOWHERE)


def test_an_endpoint_gets_one_job_until_a_worker_has_begun_to_train(backends, cloud, tmp_path):
    backend = backends.start(jobs=3, proven=False)
    jobs = trials(3)
    submit(backend, *jobs)
    first = cloud.job()
    first.take()
    until(backend, lambda _: cloud.asked["stream"] > 3)
    assert len(cloud.jobs) == 1
    first.say(started(jobs[0]))
    until(backend, lambda _: len(cloud.jobs) == 3)
    assert Ledger(tmp_path / "run" / "backend" / "jobs.jsonl").proven() == {SMALL}


def test_every_endpoint_is_proven_by_itself(backends, cloud):
    backend = backends.start(jobs=3, proven=False)
    large = fake_job(2).model_copy(update={"memory_bytes": 30 * 10**9})
    submit(backend, *trials(2), large)
    assert {cloud.job(0).endpoint, cloud.job(1).endpoint} == {SMALL, LARGE}
    until(backend, lambda _: cloud.asked["status"] > 5)
    assert len(cloud.jobs) == 2


def test_another_process_of_the_run_knows_what_was_proven(backends, cloud):
    first = backends.start(proven=False)
    submit(first, fake_job(0))
    cloud.job().take()
    cloud.job().say(started(fake_job(0)))
    until(first, bool)
    second = backends.start(jobs=2, proven=False)
    submit(second, fake_job(1), fake_job(2))
    assert [cloud.job(number).trials for number in (1, 2)] == [[1], [2]]


@pytest.mark.parametrize("kind", ["worker_died", "backend"])
def test_data_that_the_first_job_cannot_have_are_the_places_failure_said_once(
    backends, cloud, kind
):
    backend = backends.start(jobs=3, proven=False)
    jobs = trials(3)
    submit(backend, *jobs)
    first = cloud.job()
    first.take()
    first.say(no_data(jobs[0], kind))
    first.complete()
    told = ends(until_ended(backend, 3))
    assert [(end.failure_kind, end.message) for end in told] == [("backend", NOWHERE)] * 3
    assert len(cloud.jobs) == 1
    assert [end.usage is not None for end in told] == [True, False, False]
    assert told[0].usage.cost_upper == pytest.approx(11 * 0.00016)  # 1 + 5 s, and 5 s idle


@pytest.mark.parametrize(
    "fail",
    [
        lambda job: job.end("FAILED", error=f"{REFUSED}its protocol is 1, this worker's is 2"),
        lambda job: job.say(
            finished(fake_job(0), "failed", failure_kind="backend", message="full")
        ),
    ],
    ids=["refused", "no room"],
)
def test_whatever_else_is_the_places_ends_what_waits_for_it(backends, cloud, fail):
    backend = backends.start(jobs=2, proven=False)
    submit(backend, *trials(2))
    cloud.job().take()
    fail(cloud.job())
    assert brief(until_ended(backend, 2)) == ["backend", "backend"]
    assert len(cloud.jobs) == 1


def test_an_endpoint_that_no_worker_serves_is_waited_for_once(backends, cloud):
    backend = backends.start(jobs=3, proven=False, queue_timeout=0.1)
    submit(backend, *trials(3))
    told = ends(until_ended(backend, 3))
    assert {end.failure_kind for end in told} == {"backend"}
    assert len(cloud.jobs) == 1


def test_a_post_that_is_refused_is_not_made_for_every_trial(backends, cloud):
    cloud.refused["run"] = RefusedError("400")
    backend = backends.start(jobs=3, proven=False)
    submit(backend, *trials(3))
    assert brief(until_ended(backend, 3)) == ["backend"] * 3
    assert cloud.asked["run"] == 1


def test_a_first_job_whose_worker_dies_is_followed_by_another_one(backends, cloud):
    backend = backends.start(jobs=2, proven=False)
    submit(backend, *trials(2))
    cloud.job().take()
    cloud.job().end("FAILED", error="worker exited with exit code 1")
    assert brief(until_ended(backend)) == ["worker_died"]
    until(backend, lambda _: len(cloud.jobs) == 2)
    second = cloud.job(1)
    second.take()
    train(second, fake_job(1))
    second.complete()
    assert brief(until_ended(backend)) == ["started", 1, 2, "completed"]


def test_where_others_have_trained_it_is_bad_luck_with_one_worker(backends, cloud):
    backend = backends.start(jobs=2)
    jobs = trials(2)
    submit(backend, *jobs)
    for number in range(2):
        cloud.job(number).take()
    cloud.job(0).say(no_data(jobs[0]))
    cloud.job(0).complete()
    assert brief(until_ended(backend)) == ["worker_died"]
    train(cloud.job(1), jobs[1])
    cloud.job(1).complete()
    assert brief(until_ended(backend))[-1] == "completed"


@pytest.mark.parametrize("kind", ["worker_died", "backend"])
def test_a_run_that_is_resumed_once_the_data_are_there_trains_anew(backends, cloud, kind):
    first, trial = backends.start(proven=False), fake_job(0)
    submit(first, trial)
    job = cloud.job()
    job.take()
    job.say(no_data(trial, kind))
    job.complete()
    assert brief(until_ended(first)) == ["backend"]
    first.close()
    second = backends.start(proven=False)
    assert second.reattach(trial) is False  # or it would hear the same again
    again = fake_job(0, attempt="again")
    submit(second, again)
    train(cloud.job(1), again)
    cloud.job(1).complete()
    assert brief(until_ended(second))[-1] == "completed"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_data_set_that_the_image_does_not_know_costs_one_start(standin, tmp_path, monkeypatch):
    """The program of the image, with the real training."""
    import runpod

    monkeypatch.setattr(runpod, "endpoint_url_base", os.environ["RUNPOD_ENDPOINT_BASE_URL"])
    command = [sys.executable, "-u", "-m", "hpo_torch_runpod.worker.main"]
    here = {"HPO_TORCH_VOLUME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    standin.add_endpoint(Endpoint(id="ep", command=command, env=here, workers_max=3))
    backend = RunpodBackend(ExecutionSettings(jobs=3, remote={"endpoint": "ep"}))
    backend.start(RunSite(folder=tmp_path / "run", warn=print))
    for number in range(3):
        job = fake_job(number)
        data = job.data.model_copy(update={"dataset": "mnits"})
        backend.submit(job.model_copy(update={"data": data}))
    told = ends(until(backend, lambda events: len(ends(events)) == 3, seconds=600.0))
    backend.close()
    assert {end.failure_kind for end in told} == {"backend"}
    (message,) = {end.message for end in told}
    assert message.startswith(f"{NO_DATA}this worker's image cannot load the data set: unknown")
    assert len(standin.jobs) == 1
