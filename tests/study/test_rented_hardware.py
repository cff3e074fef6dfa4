"""Trials on rented hardware: where they go when it fails, what they cost, what they ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rented_usage import USAGE, survived
from scripted_backend import end_at_once

from hpo_torch.data.requests import data_request
from hpo_torch.execution.fallback import FallbackBackend
from hpo_torch.models.size import estimate_step_memory
from hpo_torch.protocol.usage import Cost
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView
from hpo_torch.study.deadlines import STARTUP_SECONDS, Deadlines
from hpo_torch.study.jobs import make_job
from hpo_torch.study.live import LiveTrial
from hpo_torch.study.plan import plan_study
from hpo_torch.study.trial_marks import ATTEMPTS, HYPERPARAMETERS

BROKE = "the money is used up"


def refuse_at(backend, poll):
    """Let a backend refuse jobs, and have room for none, from its poll of that number on."""

    def on_poll(number):
        if number == poll:
            backend.refusal, backend.capacity = BROKE, 0

    backend.on_poll = on_poll
    return backend


@pytest.fixture
def two_places(run_script):
    """Run a script on a place, and where that fails it, on another one."""

    def go(script, refuse=None, **settings):
        first, second = run_script.backend(script), run_script.backend(script)
        first.worker, second.worker, first.usage = "there", "here", USAGE
        if refuse is not None:
            refuse_at(first, refuse)
        # What a place did not survive, the next one does.
        second._spent = first._spent
        both = FallbackBackend(first, lambda: second, ("cloud", "local"))
        return run_script(script, backend=both, **settings), first, second

    return go


def test_trials_go_on_elsewhere_once_a_place_has_failed(two_places):
    script = [[0.5], [0.6, "backend", 0.7], [0.8], [0.9]]
    run, first, second = two_places(script)
    assert run.states == dict.fromkeys(range(4), "complete")
    assert [job.trial for job in first.jobs] == [0, 1]
    assert [job.trial for job in second.jobs] == [1, 2, 3]
    assert [result.worker for result in run.results] == ["there", "here", "here", "here"]
    assert [len(result.usage) for result in run.results] == [1, 1, 0, 0]
    assert [epoch.val_accuracy for epoch in run.results[1].epochs] == [0.6, 0.7]
    assert second.jobs[0].known_epochs == 1
    assert run.warnings == [
        "cloud: on purpose; from now on trials run with backend 'local'",
    ]
    assert (run.reason, run.summary.backend) == ("all trials done", "cloud, then local")
    assert run.summary.cost == Cost(lower=0.5, upper=2.0)
    lines = (run.run.path / "trials.csv").read_text().splitlines()
    columns = lines[0].split(",")
    cells = [dict(zip(columns, line.split(","), strict=True)) for line in lines[1:]]
    assert [row["worker"] for row in cells] == ["there", "here", "here", "here"]
    assert [row["cost_upper"] for row in cells] == ["1.0", "1.0", "", ""]


def test_a_place_that_failed_takes_none_of_a_trials_retries(two_places):
    script = [[0.5, "worker_died", "backend", 0.7], [0.8]]
    run, _, second = two_places(script, execution={"retries": 1})
    assert run.states == dict.fromkeys(range(2), "complete")
    assert [(job.trial, job.accumulate) for job in second.jobs] == [(0, 1), (1, 1)]
    kinds = [event.failure_kind for event in run.events if event.kind == "trial_retried"]
    assert kinds == ["worker_died", "backend"]
    none_left, _, _ = two_places([["backend", 0.7]], name="none", execution={"retries": 0})
    assert none_left.states == {0: "complete"}


def test_trials_go_on_elsewhere_once_a_place_refuses(two_places):
    script = [[0.5, 0.6, 0.7], [0.6], [0.8]]
    run, first, second = two_places(script, refuse=2)
    assert run.states == dict.fromkeys(range(3), "complete")
    assert ([job.trial for job in first.jobs], [job.trial for job in second.jobs]) == ([0], [1, 2])
    assert run.results[0].attempts == 1
    assert len(run.warnings) == 1


def test_without_fallback_a_failed_place_ends_the_study_to_be_resumed(run_script):
    script = [[0.5], [0.6, "backend", 0.7], [0.8]]
    run = run_script(script)
    assert run.states == {0: "complete"}
    assert (run.reason, run.summary.unfinished) == ("trial 1: on purpose", 1)
    assert not RunView(run.run).is_complete
    resumed = run_script(script, again=True, backend=_mended(run_script, script))
    assert resumed.states == dict.fromkeys(range(3), "complete")


def _mended(run_script, script):
    backend = run_script.backend(script)
    backend._spent = {(1, 1)}
    return backend


def test_refusal_ends_the_study_once_what_is_in_flight_has_ended(run_script):
    script = [[0.5, 0.6, 0.7], [0.5, 0.6], [0.8], [0.9]]
    backend = refuse_at(run_script.backend(script, capacity=2), 2)
    run = run_script(script, backend=backend)
    assert run.states == {0: "complete", 1: "complete"}
    assert [len(result.epochs) for result in run.results] == [3, 2]
    assert (run.reason, run.summary.unfinished) == (BROKE, 0)
    assert not RunView(run.run).is_complete
    resumed = run_script(script, again=True)
    assert resumed.states == dict.fromkeys(range(4), "complete")
    assert resumed.reason == "all trials done"


def test_refusal_of_a_study_that_is_complete_is_no_reason(run_script):
    backend = refuse_at(run_script.backend([[0.5, 0.6]]), 1)
    assert run_script([[0.5, 0.6]], backend=backend).reason == "all trials done"


def test_refused_retry_is_left_for_later(run_script):
    script = [[0.5, "worker_died", 0.7]]
    backend = refuse_at(run_script.backend(script), 1)
    run = run_script(script, backend=backend)
    assert run.error is not None  # nothing completed
    assert (run.states, run.reason, run.summary.unfinished) == ({}, BROKE, 1)
    resumed = run_script(script, again=True, backend=survived(run_script, script))
    assert resumed.states == {0: "complete"}
    assert resumed.results[0].attempts == 2


def test_job_that_still_runs_is_found_again_whatever_else_is_refused(run_script):
    script = [[0.5, 0.6, 0.7], [0.8]]
    first = run_script(script, on_poll=end_at_once)
    assert first.summary.unfinished == 1
    backend = run_script.backend(script)
    backend.can_reattach, backend.refusal = True, BROKE
    run = run_script(script, backend=backend, again=True)
    assert [job.trial for job in backend.reattached] == [0]
    assert (run.states, backend.jobs, run.reason) == ({0: "complete"}, [], BROKE)


def test_job_that_is_gone_waits_for_who_takes_jobs(run_script):
    script = [[0.5, 0.6, 0.7], [0.8]]
    run_script(script, on_poll=end_at_once)
    backend = run_script.backend(script)
    backend.refusal = BROKE
    run = run_script(script, backend=backend, again=True)
    assert (run.states, backend.jobs, run.summary.unfinished) == ({}, [], 1)


def test_attempt_that_ended_with_its_study_is_not_looked_for(run_script):
    script = [[0.5, 0.6, 0.7, 0.8]]
    first = run_script(script, interrupts=(2,))
    assert [e.outcome for e in first.events if e.kind == "training_finished"] == ["stopped"]
    backend = run_script.backend(script)
    backend.can_reattach = True
    run = run_script(script, backend=backend, again=True)
    assert (backend.reattached, run.states) == ([], {0: "complete"})


def test_attempt_of_a_place_that_was_not_heard_of_is_looked_for(run_script):
    script = [[0.5, "backend", 0.7], [0.8]]
    backend = run_script.backend(script)
    backend.usage = USAGE
    first = run_script(script, backend=backend)
    assert (first.reason, first.summary.cost) == ("trial 0: on purpose", Cost(lower=0.25, upper=1))
    again = _mended(run_script, script)
    again._spent, again.can_reattach = {(0, 1)}, True
    again.usage = USAGE.model_copy(update={"cost_lower": 0.5, "cost_upper": 2.0})
    run = run_script(script, backend=again, again=True)
    assert [job.attempt for job in again.reattached] == [first.backend.jobs[0].attempt]
    assert run.states == {0: "complete", 1: "complete"}
    assert (run.results[0].attempts, len(run.results[0].usage)) == (1, 1)
    assert run.summary.cost == Cost(lower=1.0, upper=4.0)  # the first, by its last word; another


def test_one_warning_says_that_a_place_has_failed(run_script):
    script = [[0.5, "backend", 0.7], [0.6, "backend", 0.8]]
    run = run_script(script, capacity=2)
    assert run.warnings == ["trial 0: on purpose; stopping, to be resumed once that is mended"]
    assert run.summary.unfinished == 2


def test_a_run_that_goes_on_elsewhere_says_where_it_was(run_script):
    script = [[0.5, 0.6, 0.7]]
    first = run_script(script, interrupts=(2,), place="cloud")
    assert first.summary.backend == "cloud"
    assert run_script(script, again=True).summary.backend == "cloud, then scripted"
    assert run_script(script, again=True).summary.backend == "cloud, then scripted"


def test_backend_is_told_which_run_it_works_for(run_script):
    run = run_script([[0.5]])
    assert run.backend.site.folder == run.run.path
    assert run.backend.site.backend_folder == run.run.path / "backend"
    assert not run.backend.site.backend_folder.exists()


@pytest.fixture
def plan(make_config, registry):
    config = make_config(trial_timeout=60.0)
    return plan_study(config, registry, data_request(config.data))


def test_jobs_say_what_remote_hardware_they_need(plan, tmp_path):
    run = RunDirectory.create(tmp_path, "run")
    marks = {ATTEMPTS: ["a"], HYPERPARAMETERS: plan.defaults}
    here = make_job(plan, run, 0, marks)
    there = make_job(replace(plan, remote=True), run, 0, marks)
    assert (here.memory_bytes, here.timeout, there.timeout) == (None, 60.0, 60.0)
    assert there.memory_bytes == estimate_step_memory("cnn", plan.defaults, (1, 8, 8), 2)


def test_trial_that_waits_for_shared_hardware_is_not_overdue(plan, tmp_path):
    run = RunDirectory.create(tmp_path, "run")
    job = make_job(plan, run, 0, {ATTEMPTS: ["a"], HYPERPARAMETERS: plan.defaults})
    live = LiveTrial(None, job, ["a"], "2026")
    live.submit(job, now=0.0)
    for queued in (False, True):
        deadlines = Deadlines(plan.config.search, 0.0, lambda: STARTUP_SECONDS + 1.0, queued=queued)
        assert deadlines.is_overdue(live) is not queued
