from __future__ import annotations

import pytest
from cloud_backend import ends, submit, train, until, until_ended
from trial_words import brief, finished, started

from hpo_torch.plugin_api import OutputError
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.endpoint_client import (
    KeyRefusedError,
    LostAnswerError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from hpo_torch_runpod.ledger import Ledger, Submitted

MOST = 3905 * 0.00016  # USD: an hour, the wait and the idle time, on the cheapest tier


@pytest.mark.parametrize(
    ("move", "kind"),
    [
        (lambda job: job.end("FAILED", error="worker exited"), "worker_died"),
        (lambda job: job.end("FAILED", error="CUDA out of memory"), "out_of_memory"),
        (lambda job: job.end("TIMED_OUT"), "timeout"),
        (lambda job: job.end("CANCELLED"), "worker_died"),
        (lambda job: job.complete(), "worker_died"),
        (lambda job: setattr(job, "gone", True), "worker_died"),
    ],
    ids=["failed", "memory", "timed out", "cancelled", "result lost", "gone"],
)
def test_every_end_of_a_job_ends_its_trial(backends, cloud, move, kind):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial))
    until(backend, bool)
    move(job)
    (end,) = until_ended(backend)
    assert (end.outcome, end.failure_kind) == ("failed", kind)
    submit(backend, fake_job(1))  # the others go on
    assert cloud.job(1).trials == [1]


def test_what_the_stream_lost_comes_with_the_aggregate(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.lost = {1, 3}
    job.take()
    train(job, trial)
    job.complete()
    assert brief(until_ended(backend)) == ["started", 1, 2, "completed"]


def test_a_result_that_only_the_stream_has_is_enough(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    train(job, trial)
    job.complete(output=False)
    assert brief(until_ended(backend)) == ["started", 1, 2, "completed"]


def test_memory_that_ran_out_leads_to_the_next_tier(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial), finished(trial, "failed", failure_kind="out_of_memory"))
    job.complete()
    until_ended(backend)
    submit(backend, fake_job(0, attempt="second"))
    assert cloud.job(1).endpoint == "large"


def test_jobs_that_no_worker_takes_end_as_the_places_failure(backends, cloud):
    backend = backends.start(jobs=2, queue_timeout=0.1)
    submit(backend, fake_job(0), fake_job(1))
    got = ends(until_ended(backend, 2))
    assert {end.failure_kind for end in got} == {"backend"}
    assert "2 throttled" in got[0].message
    assert got[0].usage.cost_upper == 0.0
    cloud.wait_for(lambda: len(cloud.cancelled) == 2)


@pytest.mark.parametrize(
    "error", [KeyRefusedError("401"), RefusedError("400 too large"), UnreachableError("503")]
)
def test_a_post_that_fails_is_the_places_failure(backends, cloud, error):
    cloud.refused["run"] = error
    backend = backends.start()
    submit(backend, fake_job(0))
    (end,) = until_ended(backend)
    assert (end.failure_kind, end.message) == ("backend", str(error))


def test_silence_of_everything_is_the_places_failure(backends, cloud):
    backend = backends.start()
    submit(backend, fake_job(0))
    cloud.job().take()
    until(backend, lambda _: cloud.asked["stream"])
    cloud.down = True
    (end,) = until_ended(backend)
    assert end.failure_kind == "backend"
    until(backend, lambda _: any("may run on" in each for each in backends.warnings))


def test_silence_about_one_job_is_that_trials_failure(backends, cloud):
    backend = backends.start(jobs=2)
    submit(backend, fake_job(0), fake_job(1))
    cloud.job(1)
    cloud.find = lambda job_id, find=cloud.find: silent(job_id) or find(job_id)

    def silent(job_id):
        if job_id == "job-0":
            raise UnreachableError("503")

    (end,) = until_ended(backend)
    assert end.failure_kind == "worker_died"


def test_a_job_that_loses_every_worker_is_given_up(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    told = []
    for loss in range(4):
        job.take()
        job.run, job.chunks, job.streamed = loss, [], 0
        job.say(started(trial, time=f"2026-11-28T10:00:0{loss}.000+00:00"))
        told += until(backend, lambda _: job.streamed)
    while not ends(told):
        told += backend.poll(0.05)
    (end,) = ends(told)
    assert (end.failure_kind, "3 times" in end.message) == ("worker_died", True)
    cloud.wait_for(lambda: cloud.cancelled)


def test_the_budget_is_never_passed(backends, cloud):
    backend = backends.start(jobs=3, max_cost=1.5 * MOST)
    assert backend.capacity == 3
    submit(backend, fake_job(0))
    assert (backend.capacity, backend.refusal) == (1, "")
    submit(backend, fake_job(1))  # a retry is submitted whatever the capacity is, and waits
    first = cloud.job()
    first.take()
    train(first, fake_job(0))
    first.complete(0.6 * 3905 * 1000.0)
    until_ended(backend)
    assert "budget" in backend.refusal
    (end,) = until_ended(backend)
    assert (end.failure_kind, "budget" in end.message) == ("backend", True)
    assert len(cloud.jobs) == 1


def test_money_that_comes_back_is_used_again(backends, cloud):
    backend = backends.start(jobs=3, max_cost=1.5 * MOST)
    submit(backend, fake_job(0), fake_job(1))
    first = cloud.job()
    train(first, fake_job(0))
    first.complete(1000.0)
    until_ended(backend)
    backend.poll(0.0)
    assert cloud.job(1).trials == [1]
    assert backend.refusal == ""


def test_close_warns_of_what_it_could_not_cancel(backends, cloud):
    backend = backends.start()
    submit(backend, fake_job(0))
    cloud.job()
    until(backend, lambda _: cloud.asked["status"])
    cloud.down = True
    backend.close()
    assert any("job-0" in each for each in backends.warnings)


def test_a_cancel_that_is_refused_says_nothing_of_the_place(backends, cloud):
    cloud.refused["cancel"] = RefusedError("400: it has ended")
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial))
    until(backend, bool)
    backend.stop(0)
    job.say(finished(trial))
    job.complete()
    assert brief(until_ended(backend)) == ["completed"]


def test_jobs_behind_those_of_another_process_are_waited_for(backends, cloud):
    cloud.workers = {"running": 1}
    backend, trial = backends.start(queue_timeout=0.05), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    until(backend, lambda _: cloud.asked["health"] > 1)
    train(job, trial)
    job.take()
    job.complete()
    assert brief(until_ended(backend)) == ["started", 1, 2, "completed"]


def test_a_job_that_is_not_known_once_goes_on(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    answers, find = ["unknown", "known", "unknown", "unknown"], cloud.find
    cloud.find = lambda job_id: find("" if answers and answers.pop() == "unknown" else job_id)
    until(backend, lambda _: not answers)
    train(job, trial)
    job.complete()
    assert brief(until_ended(backend)) == ["started", 1, 2, "completed"]


def test_a_job_that_is_not_known_any_more_is_cancelled_all_the_same(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    cloud.refused["status"] = NotFoundError("404")
    (end,) = until_ended(backend)
    assert end.failure_kind == "worker_died"
    assert cloud.cancelled == [job.id]
    assert end.usage.cost_upper == pytest.approx(MOST)  # maybe it ran, before or after


def test_a_job_that_is_given_up_costs_what_it_ran(backends, cloud):
    backend = backends.start()
    submit(backend, fake_job(0))
    cloud.job().take()
    until(backend, lambda _: cloud.asked["stream"])
    remote = backend._dispatcher.flights[0].remote
    remote.meter._since -= 1000.0  # it has run so long
    cloud.refused["stream"] = RefusedError("400")
    (end,) = until_ended(backend)
    assert end.failure_kind == "backend"
    assert end.usage.cost_lower == pytest.approx(1000 * 0.00016, rel=0.01)
    assert end.usage.cost_upper == pytest.approx(1007 * 0.00016, rel=0.01)  # 1 s, 5 s idle


def test_a_job_that_may_run_on_costs_all_that_it_may(backends, cloud):
    backend = backends.start()
    submit(backend, fake_job(0))
    cloud.job().take()
    until(backend, lambda _: cloud.asked["stream"])
    cloud.down = True
    (end,) = until_ended(backend)
    assert end.usage.cost_upper == pytest.approx(MOST)


@pytest.mark.parametrize(
    ("error", "most"), [(LostAnswerError("reset"), MOST), (UnreachableError("503"), 0.0)]
)
def test_a_post_whose_answer_is_lost_may_have_made_a_job(backends, cloud, error, most):
    cloud.refused["run"] = error
    backend = backends.start()
    submit(backend, fake_job(0))
    (end,) = until_ended(backend)
    assert end.failure_kind == "backend"
    assert end.usage.cost_upper == pytest.approx(most)


def test_a_job_that_breaks_this_side_is_cancelled(backends, cloud, tmp_path):
    (tmp_path / "run" / "backend").mkdir(parents=True)
    (tmp_path / "run" / "backend" / "received").write_text("no folder")
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial))
    with pytest.raises(OutputError, match="received"):
        until(backend, lambda _: False)
    assert cloud.cancelled == [job.id]


def test_a_job_whose_id_cannot_be_noted_is_cancelled(backends, cloud, monkeypatch):
    def full(ledger, line, add=Ledger.add):
        if isinstance(line, Submitted):
            raise OutputError("the disk is full")
        add(ledger, line)

    monkeypatch.setattr(Ledger, "add", full)
    backend = backends.start()
    backend.submit(fake_job(0))
    with pytest.raises(OutputError, match="full"):
        until(backend, lambda _: False)
    assert cloud.cancelled == ["job-0"]
