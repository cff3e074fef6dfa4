from __future__ import annotations

import pytest
from cloud_backend import ends, submit, train, until, until_ended
from trial_words import brief, finished, started

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.reports import GivenBack, Moved


def test_trials_share_a_job_and_each_has_its_end(backends, cloud):
    backend = backends.start(trials_per_job=3)
    trials = [fake_job(number) for number in range(3)]
    assert backend.capacity == 3
    submit(backend, *trials)
    job = cloud.job()
    assert job.trials == [0, 1, 2]
    job.take()
    train(job, trials[0])
    assert [end.trial for end in ends(until_ended(backend))] == [0]  # the job still runs
    for trial in trials[1:]:
        train(job, trial)
    job.complete(9000.0)
    later = ends(until_ended(backend, 2))
    assert [end.trial for end in later] == [1, 2]


def test_trials_wait_for_a_free_job_and_then_share_it(backends, cloud):
    backend = backends.start(trials_per_job=2)
    submit(backend, fake_job(0), fake_job(1))
    job = cloud.job()
    job.take()
    train(job, fake_job(0))
    until_ended(backend)
    submit(backend, fake_job(2))
    backend.poll(0.05)
    assert len(cloud.jobs) == 1
    train(job, fake_job(1))
    job.complete()
    until_ended(backend)
    submit(backend, fake_job(3))
    backend.poll(0.05)
    assert cloud.job(1).trials == [2, 3]


def test_stopping_one_of_several_posts_the_rest_again(backends, cloud):
    backend = backends.start(trials_per_job=3)
    trials = [fake_job(number) for number in range(3)]
    submit(backend, *trials)
    job = cloud.job()
    job.take()
    job.say(started(trials[0]))
    until(backend, bool)
    backend.stop(0)
    assert [(end.trial, end.outcome) for end in ends(until_ended(backend))] == [(0, "stopped")]
    until(backend, lambda _: len(cloud.jobs) == 2)
    assert cloud.job(1).trials == [1, 2]


def test_stopping_one_that_waits_leaves_the_one_that_runs_alone(backends, cloud):
    backend = backends.start(trials_per_job=2)
    trials = [fake_job(number) for number in range(2)]
    submit(backend, *trials)
    job = cloud.job()
    job.take()
    job.say(started(trials[0]))
    until(backend, bool)
    backend.stop(1)
    assert [(end.trial, end.outcome) for end in ends(until_ended(backend))] == [(1, "stopped")]
    assert cloud.cancelled == []
    job.say(finished(trials[0]), started(trials[1]))  # the worker goes on with the other
    assert [end.outcome for end in ends(until_ended(backend))] == ["completed"]
    cloud.wait_for(lambda: cloud.cancelled)


def test_a_failed_job_takes_only_the_trial_that_was_trained(backends, cloud):
    backend = backends.start(trials_per_job=3)
    trials = [fake_job(number) for number in range(3)]
    submit(backend, *trials)
    job = cloud.job()
    job.take()
    train(job, trials[0])
    job.say(started(trials[1]))
    job.end("FAILED", error="worker exited with exit code 1")
    got = ends(until_ended(backend, 2))
    assert [(end.trial, end.failure_kind) for end in got] == [(0, None), (1, "worker_died")]
    until(backend, lambda _: len(cloud.jobs) == 2)
    assert cloud.job(1).trials == [2]


@pytest.mark.parametrize(("trained", "kind"), [(0, "timeout"), (1, "worker_died")])
def test_the_time_of_a_job_is_not_one_trials_alone(backends, cloud, trained, kind):
    backend = backends.start(trials_per_job=2)
    trials = [fake_job(number) for number in range(2)]
    submit(backend, *trials)
    job = cloud.job()
    job.take()
    for trial in trials[:trained]:
        train(job, trial)
    job.say(started(trials[trained]))
    job.end("TIMED_OUT")
    told = until_ended(backend, trained + 1)
    assert (ends(told)[-1].trial, ends(told)[-1].failure_kind) == (trained, kind)


def test_trials_of_one_job_are_found_again_together(backends, cloud):
    first = backends.start(trials_per_job=2)
    trials = [fake_job(number) for number in range(2)]
    submit(first, *trials)
    job = cloud.job()
    until(first, lambda _: cloud.asked["status"])
    second = backends.start(trials_per_job=2)
    assert [second.reattach(trial) for trial in trials] == [True, True]
    job.take()
    for trial in trials:
        train(job, trial)
    job.complete()
    assert {end.trial for end in ends(until_ended(second, 2))} == {0, 1}


def test_a_stop_that_its_job_does_not_hear_any_more_ends_the_trial(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    cloud.job()
    remote = backend._dispatcher.flights[0].remote
    remote.give = lambda order: None  # it is about to end
    backend.stop(0)
    backend._around.outbox.put(GivenBack(trial))
    assert brief(backend.poll(0.0)) == ["stopped"]
    backend.poll(0.05)
    assert len(cloud.jobs) == 1


def test_one_that_is_crossed_out_costs_nothing_in_later_processes_either(backends, cloud):
    backend = backends.start(trials_per_job=2)
    trials = [fake_job(number) for number in range(2)]
    submit(backend, *trials)
    job = cloud.job()
    job.take()
    job.say(started(trials[0]))
    until(backend, bool)
    backend.stop(1)
    (end,) = ends(until_ended(backend))
    assert end.usage.cost_upper == 0.0
    assert list(backends.start()._around.ledger.held()) == [trials[0].attempt]


def test_what_is_killed_while_its_job_gives_it_back_holds_no_money(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    cloud.job()
    backend._dispatcher.flights[0].remote.give = lambda order: None  # it has just ended
    backend.kill(0)
    backend._around.outbox.put(GivenBack(trial))
    backend.poll(0.0)
    assert backend._accounts._budget.reserved == 0.0


def test_what_is_killed_while_another_job_takes_it_is_killed_there(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    first = cloud.job()
    until(backend, lambda _: cloud.asked["status"])
    backend._dispatcher.flights[0].remote.give = lambda order: None  # it has just ended
    backend.kill(0)
    backend._around.outbox.put(Moved(trial, first.id))
    backend.poll(0.0)
    cloud.wait_for(lambda: cloud.cancelled == [first.id])
