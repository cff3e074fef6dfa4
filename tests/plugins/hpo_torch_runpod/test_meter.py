from __future__ import annotations

from types import SimpleNamespace

import pytest
from trial_words import finished, started

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.endpoint_client import JobAnswer
from hpo_torch_runpod.follower import Progress
from hpo_torch_runpod.meter import Meter, Tariff

TARIFF = Tariff(
    endpoint="ep", tier="ADA_24", price_per_second=0.001, price_source="table", idle_seconds=5.0
)


def at(seconds):
    return f"2026-11-28T10:00:{seconds:02d}.000+00:00"


def progress(trial, begin, end):
    job = fake_job(trial)
    return Progress(job, started=started(job, time=at(begin)), finished=finished(job, time=at(end)))


@pytest.fixture
def now():
    return SimpleNamespace(seconds=100.0)


@pytest.fixture
def client():
    return SimpleNamespace(bytes_sent=0, bytes_received=0)


@pytest.fixture
def meter(now, client):
    return Meter(TARIFF, client, lambda: now.seconds)


def test_one_trial_has_the_whole_job(meter, client):
    client.bytes_sent, client.bytes_received = 3000, 9000
    meter.job = "j"
    meter.note(JobAnswer(status="COMPLETED", delay_ms=2000, execution_ms=10_500), queued=False)
    usage = meter.rest(progress(0, 1, 9))
    assert (usage.queue_seconds, usage.execution_seconds) == (2.0, 10.5)
    # 10.5 s at 0.001; 2 + 10.5 + 5 s idle, rounded up to 18.
    assert usage.cost_lower == pytest.approx(0.0105)
    assert usage.cost_upper == pytest.approx(0.018)
    assert (usage.bytes_sent, usage.bytes_received) == (3000, 9000)
    assert (usage.job, usage.endpoint, usage.tier, usage.gpu) == ("j", "ep", "ADA_24", "NVIDIA L4")


def test_trials_of_one_job_share_it_and_add_up_to_it(meter, client, now):
    meter.note(JobAnswer(status="IN_PROGRESS", delay_ms=4000), queued=False)
    now.seconds = 130.0
    client.bytes_sent = 100
    first = meter.part(progress(0, 2, 9))
    client.bytes_sent = 250
    second = meter.part(progress(1, 10, 20))
    meter.note(JobAnswer(status="COMPLETED", delay_ms=4000, execution_ms=33_000), queued=False)
    third = meter.rest(progress(2, 21, 30))
    # By the worker's clock: 2 to 9, 9 to 20; then what is left of 33.
    assert [u.execution_seconds for u in (first, second, third)] == [7.0, 11.0, 15.0]
    assert [u.queue_seconds for u in (first, second, third)] == [4.0, 0.0, 0.0]
    assert [u.bytes_sent for u in (first, second, third)] == [100, 150, 0]
    assert sum(u.cost_lower for u in (first, second, third)) == pytest.approx(0.033)


def test_a_part_is_never_more_than_the_job_has_run(meter, now):
    meter.note(JobAnswer(status="IN_PROGRESS"), queued=False)
    now.seconds = 103.0
    assert meter.part(progress(0, 0, 59)).execution_seconds == 3.0


def test_a_job_that_never_ran_costs_nothing(meter, now):
    meter.note(JobAnswer(status="IN_QUEUE"), queued=True)
    now.seconds = 160.0
    usage = meter.rest(Progress(fake_job(0)))
    assert (usage.queue_seconds, usage.execution_seconds, usage.cost_upper) == (60.0, 0.0, 0.0)


def test_without_runpods_figures_our_own_clock_counts(meter, now):
    now.seconds = 105.0
    meter.note(JobAnswer(status="IN_PROGRESS"), queued=False)
    now.seconds = 112.0
    usage = meter.rest(progress(0, 1, 2))
    assert (usage.queue_seconds, usage.execution_seconds) == (5.0, 7.0)


def test_an_estimate_leaves_the_rest_to_be_told(meter, now):
    meter.note(JobAnswer(status="IN_PROGRESS"), queued=False)
    now.seconds = 107.0
    one = progress(0, 1, 2)
    assert meter.estimate(one.started).execution_seconds == 7.0
    assert meter.rest(one).execution_seconds == 7.0
    assert meter.rest(one).execution_seconds == 0.0


def test_a_worker_without_a_card_names_none(meter):
    job = fake_job(0)
    assert meter.rest(Progress(job, started=started(job, device="cpu (x86_64)"))).gpu == ""


def test_time_with_a_lost_worker_is_paid_too(meter, now):
    meter.note(JobAnswer(status="IN_PROGRESS", delay_ms=1000), queued=False)
    now.seconds = 130.0
    meter.note(JobAnswer(status="IN_QUEUE"), queued=True)
    now.seconds = 160.0
    meter.note(JobAnswer(status="IN_PROGRESS"), queued=False)
    meter.note(JobAnswer(status="COMPLETED", delay_ms=1000, execution_ms=20_000), queued=False)
    usage = meter.rest(progress(0, 1, 9))
    assert usage.execution_seconds == 20.0  # RunPod's figure is of the last worker
    assert usage.cost_upper == pytest.approx(0.056)  # 30 + 1 + 20 + 5 s idle
    assert meter.rest(progress(0, 1, 9)).cost_upper == pytest.approx(0.005)  # told once


def test_what_one_trial_had_of_a_lost_worker_is_not_taken_from_the_next(meter, now):
    meter.note(JobAnswer(status="IN_PROGRESS", delay_ms=0), queued=False)
    now.seconds = 110.0
    assert meter.part(progress(0, 0, 7)).execution_seconds == 7.0
    meter.note(JobAnswer(status="IN_QUEUE"), queued=True)
    meter.note(JobAnswer(status="COMPLETED", delay_ms=0, execution_ms=20_000), queued=False)
    usage = meter.rest(progress(1, 10, 20))
    assert usage.execution_seconds == 20.0
    assert usage.cost_upper == pytest.approx(0.028)  # 10 - 7 lost + 20 + 5 s idle


def test_what_is_in_doubt_costs_at_least_what_it_may(meter, now):
    meter.doubt(0.5)
    usage = meter.rest(Progress(fake_job(0)))
    assert (usage.cost_lower, usage.cost_upper) == (0.0, 0.5)
    meter.note(JobAnswer(status="COMPLETED", delay_ms=0, execution_ms=995_000), queued=False)
    assert meter.rest(progress(0, 1, 9)).cost_upper == pytest.approx(1.0)


def test_what_the_job_never_began_with_used_nothing(meter, client):
    client.bytes_sent = 100
    meter.note(JobAnswer(status="IN_PROGRESS", delay_ms=4000), queued=False)
    usage = meter.nothing()
    assert (usage.queue_seconds, usage.cost_upper, usage.bytes_sent) == (0.0, 0.0, 0)
    assert meter.rest(progress(0, 1, 9)).queue_seconds == 4.0
