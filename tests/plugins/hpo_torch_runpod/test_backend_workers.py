from __future__ import annotations

from dataclasses import replace

import pytest
from cloud_backend import submit, train, until, until_ended

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod import preflight


@pytest.fixture
def one_worker(backends, monkeypatch):
    """Every endpoint may have one worker."""

    def check(remote, check=preflight.check):
        found = check(remote)
        facts = {name: replace(each, workers_max=1) for name, each in found.endpoints.items()}
        return replace(found, endpoints=facts)

    monkeypatch.setattr(preflight, "check", check)


@pytest.mark.usefixtures("one_worker")
def test_no_job_is_posted_that_would_wait_behind_our_own(backends, cloud):
    backend = backends.start(jobs=3)
    assert backend.capacity == 2  # one on each of two endpoints
    assert "may be only 2 workers" in backends.warnings[0]
    submit(backend, fake_job(0), fake_job(1))  # both for the cheaper one
    first = cloud.job()
    first.take()
    train(first, fake_job(0))
    until(backend, lambda _: first.streamed)
    assert len(cloud.jobs) == 1
    first.complete()
    (end,) = until_ended(backend)[-1:]
    until(backend, lambda _: len(cloud.jobs) == 2)
    assert (end.trial, cloud.job(1).trials) == (0, [1])


@pytest.mark.usefixtures("one_worker")
def test_a_full_endpoint_holds_up_no_other(backends, cloud):
    backend = backends.start(jobs=2)
    assert backends.warnings == []
    large = fake_job(1).model_copy(update={"memory_bytes": 30 * 10**9})
    submit(backend, fake_job(0), large)
    assert {cloud.job(0).endpoint, cloud.job(1).endpoint} == {"small", "large"}


def test_as_many_jobs_as_asked_for_where_the_key_may_not_read_the_limit(backends):
    assert backends.start(jobs=3).capacity == 3
    assert backends.warnings == []
