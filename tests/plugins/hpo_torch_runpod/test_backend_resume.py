from __future__ import annotations

import time

import pytest
from cloud_backend import FAST, ends, submit, train, until, until_ended
from trial_words import brief, epoch, finished, started

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.endpoint_client import KeyRefusedError


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


def test_an_end_that_came_while_closing_is_told_to_the_next_process(backends, cloud):
    first, trial = backends.start(), fake_job(0)
    submit(first, trial)
    job = cloud.job()
    job.take()
    train(job, trial)
    while job.streamed < len(job.chunks):
        time.sleep(0.01)
    job.complete()
    first.close()
    job.gone = True  # its result's retention is over
    second = backends.start()
    assert second.reattach(trial)
    assert brief(until_ended(second)) == ["started", 1, 2, "completed"]


def test_a_trial_that_joins_a_job_whose_others_have_ended_is_trained_to_its_end(backends, cloud):
    first = backends.start(trials_per_job=2)
    trials = [fake_job(number) for number in range(2)]
    submit(first, *trials)
    job = cloud.job()
    job.take()
    train(job, trials[0])
    until(first, lambda _: job.streamed == len(job.chunks))
    second = backends.start(trials_per_job=2)
    assert second.reattach(trials[0])
    # That it has said its last word has been noticed; what is left is to be cancelled soon.
    remote = second._dispatcher.flights[0].remote
    while remote._told_all_at is None:
        time.sleep(0.01)
    assert second.reattach(trials[1])
    time.sleep(2 * FAST.settle)
    assert cloud.cancelled == []
    train(job, trials[1])
    job.complete()
    assert {end.outcome for end in ends(until_ended(second, 2))} == {"completed"}


def test_what_closing_has_settled_is_not_counted_twice(backends, cloud):
    first, trials = backends.start(jobs=2), [fake_job(number) for number in range(2)]
    submit(first, *trials)
    cloud.job(1)
    until(first, lambda _: cloud.asked["status"] > 3)
    first.close()
    spent = first._accounts._budget.spent
    assert spent > 0.0
    second = backends.start(jobs=2)
    assert [second.reattach(trial) for trial in trials] == [False, False]
    assert second._accounts._budget.spent == pytest.approx(spent)
    assert second.settled == first.settled != {}


def test_a_key_that_is_refused_meanwhile_ends_the_trial_as_the_place(backends, cloud):
    first, trial = backends.start(), fake_job(0)
    submit(first, trial)
    cloud.job()
    until(first, lambda _: cloud.asked["status"])
    cloud.refused |= {"status": KeyRefusedError("401"), "cancel": KeyRefusedError("401")}
    second = backends.start()
    assert second.reattach(trial)
    (end,) = until_ended(second)
    assert (end.failure_kind, end.message) == ("backend", "401")
    # Nobody knows whether it runs on.
    assert end.usage.cost_upper == pytest.approx(3905 * 0.00016)


def test_ends_that_came_while_closing_outlive_the_others_of_a_cancelled_job(backends, cloud):
    first = backends.start(trials_per_job=2)
    trials = [fake_job(number) for number in range(2)]
    submit(first, *trials)
    job = cloud.job()
    job.take()
    job.say(started(trials[0]))
    until(first, bool)
    train(job, trials[0])
    while job.streamed < len(job.chunks):
        time.sleep(0.01)
    first.close()
    assert job.status == "CANCELLED"
    second = backends.start(trials_per_job=2)
    assert [second.reattach(trial) for trial in reversed(trials)] == [False, True]
    assert brief(until_ended(second)) == ["started", 1, 2, "completed"]
