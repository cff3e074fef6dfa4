"""Failed attempts: which are tried again, what is kept of them, and when the study gives up."""

from __future__ import annotations

import optuna
import pytest

from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView
from hpo_torch.study.deadlines import GRACE_SECONDS, PATIENT_GRACE_SECONDS


class Clock:
    """Goes on by a second with every poll."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def tick(self, _poll):
        self.now += 1.0


@pytest.fixture
def clock():
    return Clock()


def retries(run):
    return [event for event in run.events if event.kind == "trial_retried"]


def test_out_of_memory_is_retried_with_batches_halved_each_time(run_script):
    run = run_script([[0.5, "out_of_memory", "out_of_memory", 0.9]])
    first, second, third = run.backend.jobs
    assert (first.accumulate, second.accumulate, third.accumulate) == (1, 2, 4)
    assert (second.attempt != first.attempt, second.known_epochs) == (True, 1)
    (result,) = run.results
    assert (result.state, result.attempts, result.accumulate) == ("complete", 3, 4)
    assert [epoch.val_accuracy for epoch in result.epochs] == [0.5, 0.9]
    event, _ = retries(run)
    assert (event.failure_kind, event.accumulate) == ("out_of_memory", 2)
    assert (event.attempt, event.next_attempt) == (first.attempt, second.attempt)


def test_out_of_memory_too_often_fails_the_trial_and_the_study_goes_on(run_script):
    script = [[0.5, "out_of_memory", "out_of_memory", 0.9], [0.6]]
    run = run_script(script, execution={"retries": 1})
    assert run.states == {0: "failed", 1: "complete"}
    assert run.results[0].failure_kind == "out_of_memory"
    assert run.study.trials[0].state == optuna.trial.TrialState.FAIL
    text = (run.run.trial_dir(0) / "traceback.txt").read_text()
    attempts = [job.attempt for job in run.backend.jobs[:2]]
    assert text == "".join(
        f"---- attempt {number} ({attempt}) ----\nTraceback ...\n"
        for number, attempt in enumerate(attempts, 1)
    )


def test_worker_that_dies_goes_on_while_it_makes_progress(run_script):
    died = "worker_died"
    run = run_script([[0.5, died, died, 0.6, died, died, 0.7]], execution={"retries": 2})
    (result,) = run.results
    assert (result.state, result.attempts, len(result.epochs)) == ("complete", 5, 3)
    assert [job.known_epochs for job in run.backend.jobs] == [0, 1, 1, 2, 2]


def test_worker_that_dies_too_often_without_an_epoch_fails_the_trial(run_script):
    died = "worker_died"
    run = run_script([[0.5, died, died, died, 0.6], [0.7]], execution={"retries": 2})
    assert run.results[0].failure_kind == died
    assert (run.results[0].attempts, run.states[1]) == (3, "complete")


def test_failures_in_a_row_end_the_study_with_the_reason(run_script):
    bad = [0.5, "user_code"]
    run = run_script([[0.9], bad, bad, bad, [0.8]], max_failures=3)
    assert run.reason == "3 trials in a row failed"
    assert run.states == {0: "complete", 1: "failed", 2: "failed", 3: "failed"}


def test_diverged_trials_do_not_count_as_failures_in_a_row(run_script):
    run = run_script([["diverged"], ["diverged"], ["diverged"], [0.8]], max_failures=2)
    assert run.reason == "all trials done"


def test_a_success_in_between_starts_the_count_anew(run_script):
    bad = [0.5, "data"]
    run = run_script([bad, [0.9], bad, [0.8]], max_failures=2)
    assert run.reason == "all trials done"


def test_trial_timeout_fails_a_trial_and_the_study_goes_on(run_script, clock):
    run = run_script(
        [[0.5] * 50, [0.6]], trial_timeout=5, clock=clock, on_poll=clock.tick, max_failures=1
    )
    first = run.results[0]
    assert (first.state, first.failure_kind) == ("failed", "timeout")
    assert first.message == "not done after 5 seconds"
    assert len(first.epochs) == 6  # one a second, the first at once
    assert run.states[1] == "complete"
    assert not run.backend.killed


def test_trial_timeout_counts_the_epochs_of_earlier_attempts(run_script, clock):
    script = [[0.5] * 4 + ["worker_died"] + [0.5] * 40]
    run = run_script(script, trial_timeout=6, clock=clock, on_poll=clock.tick)
    # Four epochs of a second each before the worker died leave two seconds.
    assert len(run.results[0].epochs) == 4 + 3


def test_hung_trial_is_killed_after_a_grace_period(run_script, clock):
    run = run_script([[0.5, "hang"], [0.6]], trial_timeout=5, clock=clock, on_poll=clock.tick)
    assert run.backend.killed == {0}
    assert run.results[0].failure_kind == "timeout"
    assert 5 + GRACE_SECONDS < run.results[0].seconds < 5 + GRACE_SECONDS + 5
    assert run.states[1] == "complete"


def test_repeated_and_late_events_change_nothing(run_script):
    script = [[0.5, 0.6], [0.5, "worker_died", 0.7], [0.5, "user_code"]]
    plain = run_script(script, name="plain")
    said = []

    def repeat(events):
        said.extend(events)
        return [event for new in events for event in (*said[:-1], new, new)]

    noisy = run_script(script, name="noisy", mangle=repeat)

    def story(run):
        events = read_events(run.run.events)
        return [(e.kind, getattr(e, "trial", None)) for e in events]

    assert story(noisy) == story(plain)
    assert noisy.states == plain.states


def test_missing_epoch_is_a_fault_of_the_backend(run_script):
    def lose_second_epoch(events):
        return [e for e in events if not (e.kind == "epoch_finished" and e.metrics.epoch == 2)]

    run = run_script([[0.5, 0.6, 0.7, 0.8]], mangle=lose_second_epoch)
    (result,) = run.results
    assert (result.state, result.failure_kind) == ("failed", "backend")
    assert result.message == "epoch 3 was delivered after epoch 1"
    assert "no trial completed" in str(run.error)


def test_broken_place_ends_the_study_and_its_trial_goes_on_when_resumed(run_script):
    run = run_script([[0.9], [0.5, "backend", 0.8], [0.6]], max_failures=1)
    assert run.reason == "trial 1: on purpose"
    assert (run.states, run.summary.unfinished) == ({0: "complete"}, 1)
    assert run.study.trials[1].state == optuna.trial.TrialState.RUNNING
    assert "Traceback ..." in (run.run.trial_dir(1) / "traceback.txt").read_text()
    assert run.warnings == ["trial 1: on purpose; stopping, to be resumed once that is mended"]
    assert not RunView(run.run).is_complete
    mended = run_script([[0.9], [0.5, 0.8], [0.6]], again=True)
    assert mended.states == dict.fromkeys(range(3), "complete")
    assert [(job.trial, job.known_epochs) for job in mended.backend.jobs] == [(1, 1), (2, 0)]
    assert mended.results[1].attempts == 2


def test_broken_place_pauses_every_trial_in_flight(run_script):
    bad = [0.5, "backend", 0.8]
    run = run_script([bad, bad, [0.5] * 9], capacity=3)
    assert (run.states, run.summary.unfinished) == ({}, 3)
    assert run.reason in ("trial 0: on purpose", "trial 1: on purpose")


def test_broken_place_where_nothing_completed_says_why_and_how_to_go_on(run_script):
    run = run_script([[0.5, "backend"]])
    assert run.error.exit_code == 7
    assert "(trial 0: on purpose; 0 failed, 0 pruned, 1 not finished)" in str(run.error)
    assert f"To go on: hpo-torch resume {run.run.path}" in str(run.error)


def test_search_that_broke_off_is_not_confirmed(run_script):
    run = run_script([[0.9], [0.5, "backend"]], confirm=1, confirm_seeds=1)
    assert {job.study for job in run.backend.jobs} == {"run"}


@pytest.mark.parametrize("retries", [0, 1])
def test_worker_that_dies_while_the_study_winds_down_fails_no_trial(run_script, retries):
    # A scheduler ends all processes of a job at once: the study's, and its workers.
    script = [[0.5, *["worker_died"] * (retries + 1), 0.6]]
    run = run_script(script, interrupts=(retries + 2,), execution={"retries": retries})
    assert (run.reason, run.states, run.summary.unfinished) == ("interrupted", {}, 1)
    resumed = run_script([[0.5, 0.6]], again=True)
    assert resumed.states == {0: "complete"}


@pytest.mark.parametrize(
    ("settings", "grace"),
    [({}, PATIENT_GRACE_SECONDS), ({"trial_timeout": 100.0}, GRACE_SECONDS)],
)
def test_pruned_trial_that_hangs_is_killed(run_script, clock, settings, grace):
    good = [0.5, 0.8, 0.9]
    script = [good, good, good, [0.1, 0.2, "hang", 0.3], [0.6]]
    run = run_script(script, clock=clock, on_poll=clock.tick, **settings)
    assert run.backend.killed == {3}
    assert (run.states[3], run.states[4]) == ("pruned", "complete")
    assert grace < run.results[3].seconds < grace + 5
