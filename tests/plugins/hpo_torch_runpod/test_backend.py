from __future__ import annotations

import pytest
from cloud_backend import ends, submit, train, until, until_ended
from trial_words import brief, epoch, finished, started

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.plugin_api import UsageError
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.backend import RunpodBackend
from hpo_torch_runpod.ledger import Settled, read_ledger
from hpo_torch_runpod.wire import Claimed, artefact_parts, pack


def test_a_trial_is_told_from_its_start_to_its_end(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    until(backend, lambda _: cloud.asked["status"] > 2)
    job.take(2000.0)
    job.say(started(trial), epoch(trial, 1))
    assert brief(until(backend, lambda events: len(events) == 2)) == ["started", 1]
    job.say(finished(trial))
    job.complete(6000.0)
    (end,) = until_ended(backend)
    assert end.outcome == "completed"
    assert (end.usage.job, end.usage.endpoint, end.usage.tier) == ("job-0", "small", "AMPERE_16")
    assert (end.usage.queue_seconds, end.usage.execution_seconds) == (2.0, 6.0)
    assert end.usage.cost_lower == pytest.approx(6 * 0.00016)
    assert end.usage.cost_upper == pytest.approx(13 * 0.00016)  # 2 + 6 + 5 s idle
    assert end.usage.bytes_sent > 0
    assert job.policy == {"executionTimeout": 3_600_000, "ttl": 3_900_000}


def test_without_a_key_there_is_no_backend(monkeypatch):
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    with pytest.raises(UsageError, match="RUNPOD_API_KEY"):
        RunpodBackend(ExecutionSettings())


def test_weights_are_home_before_the_end_is_told(backends, cloud, tmp_path):
    backend, trial = backends.start(), fake_job(0, output_dir=tmp_path / "trial")
    submit(backend, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial))
    job.say(*artefact_parts(trial.attempt, "model.ckpt", b"weights", pack(b"weights")))
    job.say(finished(trial))
    job.complete()
    assert brief(until_ended(backend)) == ["started", "completed"]
    assert (tmp_path / "trial" / "model.ckpt").read_bytes() == b"weights"


@pytest.mark.parametrize("outcome", ["failed", "stopped"])
def test_a_trials_own_end_is_told_as_it_is(backends, cloud, outcome):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    kind = {"failure_kind": "diverged", "message": "nan"} if outcome == "failed" else {}
    job.say(started(trial), finished(trial, outcome, **kind))
    job.complete()
    end = ends(until_ended(backend))[0]
    assert (end.outcome, end.failure_kind) == (outcome, kind.get("failure_kind"))


def test_a_job_that_does_not_end_after_its_trials_is_cancelled(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    train(job, trial)
    assert brief(until_ended(backend))[-1] == "completed"
    assert cloud.cancelled == ["job-0"]


def test_stop_cancels_and_says_stopped(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    job = cloud.job()
    job.take()
    job.say(started(trial))
    until(backend, bool)
    backend.stop(0)
    (end,) = until_ended(backend)
    assert end.outcome == "stopped"
    assert cloud.cancelled == ["job-0"]
    assert end.usage.execution_seconds == 5.0


def test_kill_tells_the_end_at_once_though_nobody_answers(backends, cloud):
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    cloud.job().take()
    until(backend, lambda _: cloud.asked["stream"])
    cloud.down = True
    backend.kill(0)
    (end,) = backend.poll(0.0)
    assert (end.outcome, end.failure_kind) == ("failed", "worker_died")
    cloud.down = False
    cloud.wait_for(lambda: cloud.cancelled)


def test_stop_and_kill_before_a_job_was_posted_post_none(backends, cloud):
    backend = backends.start(jobs=2)
    for trial in (0, 1):
        backend.submit(fake_job(trial))
    backend.stop(0)
    backend.kill(1)
    events = backend.poll(0.0)
    assert brief(events) == ["stopped", "worker_died"]
    assert backend.poll(0.05) == []
    assert cloud.jobs == []


def test_a_lost_answer_is_asked_for_again_and_the_claim_leads_to_the_first_job(
    backends, cloud, tmp_path
):
    ledger = tmp_path / "run" / "backend" / "jobs.jsonl"
    cloud.lost_answers = 1
    backend, trial = backends.start(), fake_job(0)
    submit(backend, trial)
    first, second = cloud.job(0), cloud.job(1)
    assert first.input == second.input
    for job in (first, second):
        job.take()
    second.say(Claimed(attempt=trial.attempt, by=first.id))
    second.complete()
    train(first, trial)
    first.complete()
    events = until_ended(backend)
    assert brief(events) == ["started", 1, 2, "completed"]
    assert events[-1].usage.job == first.id
    # The second one has started a worker for nothing: 1 + 5 s, and 5 s idle.
    until(backend, lambda _: "in vain" in ledger.read_text())
    settled = [line for line in read_ledger(ledger) if isinstance(line, Settled)]
    (vain,) = (line for line in settled if line.attempt == f"{trial.attempt} in vain, {second.id}")
    assert vain.usage.cost_upper == pytest.approx(11 * 0.00016)


def test_close_cancels_everything_and_settles_it(backends, cloud, tmp_path):
    backend = backends.start(jobs=2)
    submit(backend, fake_job(0), fake_job(1))
    cloud.job(1).take()
    until(backend, lambda _: cloud.asked["status"] > 3)
    backend.close()
    assert sorted(cloud.cancelled) == ["job-0", "job-1"]
    assert backends.warnings == []
    text = (tmp_path / "run" / "backend" / "jobs.jsonl").read_text()
    assert text.count('"settled"') == 2
    assert set(backend.settled) == {"0-attempt", "1-attempt"}
    assert "rpa_TEST" not in text
    backend.close()


def test_many_jobs_are_followed_at_once(backends, cloud):
    backend = backends.start(jobs=24)
    trials = [fake_job(number) for number in range(24)]
    submit(backend, *trials)
    cloud.job(23)
    for job in cloud.jobs:
        (number,) = job.trials
        job.take()
        train(job, trials[number])
        job.complete()
    events = until_ended(backend, 24)
    for trial in trials:
        mine = [event for event in events if event.trial == trial.trial]
        assert brief(mine) == ["started", 1, 2, "completed"]


@pytest.mark.parametrize(("device", "warnings"), [("auto", 0), ("cpu", 1)])
def test_a_device_of_this_machine_is_said_not_to_be_heeded(backends, device, warnings):
    backends.start(device=device)
    assert len([each for each in backends.warnings if "is not heeded" in each]) == warnings
