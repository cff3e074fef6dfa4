from __future__ import annotations

import pytest
from cloud_backend import submit, train, until, until_ended
from trial_words import brief, epoch, finished, started

from hpo_torch.testing.fake_training import fake_job


def test_a_new_process_finds_a_running_job_and_tells_it_from_the_start(backends, cloud):
    first, trial = backends.start(), fake_job(0)
    submit(first, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial), epoch(trial, 1))
    until(first, lambda events: len(events) == 2)
    second = backends.start()
    assert second.reattach(trial)
    job.say(epoch(trial, 2), finished(trial))
    job.complete()
    assert brief(until_ended(second)) == ["started", 1, 2, "completed"]
    assert len(cloud.jobs) == 1


def test_a_new_process_posts_again_what_was_never_answered(backends, cloud):
    cloud.lost_answers = 1000
    first, trial = backends.start(), fake_job(0)
    submit(first, trial)
    cloud.job()
    second = backends.start()
    assert second.reattach(trial)
    cloud.lost_answers = 0
    second.poll(0.0)
    cloud.wait_for(lambda: cloud.asked["status"])


@pytest.mark.parametrize("how", ["gone", "cancelled", "never submitted"])
def test_what_cannot_be_followed_is_not_found(backends, cloud, how):
    first, trial = backends.start(), fake_job(0)
    if how != "never submitted":
        submit(first, trial)
        first.poll(0.0)
        job = cloud.job()
        until(first, lambda _: cloud.asked["status"])
        job.gone = how == "gone"
        if how == "cancelled":
            job.delay_ms = 1000.0
            job.end("CANCELLED")
    again = backends.start(max_cost=1.0)
    assert again.reattach(trial) is False
    # Of a cancelled job it is known what it cost, of one that is gone that it may have cost all.
    held = {"gone": 3905 * 0.00016, "cancelled": 11 * 0.00016, "never submitted": 0.0}
    budget = again._accounts._budget
    assert budget.spent + budget.reserved == pytest.approx(held[how])


def test_received_chunks_are_kept_until_the_study_has_heard_the_end(backends, cloud, tmp_path):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    train(job, trial)
    kept = tmp_path / "run" / "backend" / "received" / "job-0.jsonl"
    until(backend, lambda _: kept.exists())
    job.complete()
    until(backend, lambda _: not kept.exists())
