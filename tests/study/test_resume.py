"""Stopping early and going on: Ctrl-C, time limits, more trials."""

from __future__ import annotations

import csv
import signal

import optuna
import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.event_log import read_events
from hpo_torch.study.brake import Brake

GOOD = [0.5, 0.8, 0.9]
SCRIPT = [GOOD, [0.6, 0.7, 0.8, 0.85], [0.5, 0.6, 0.9], [0.5, 0.7], [0.4, 0.5, 0.6]]


class Clock:
    """Goes on by a second with every poll."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def tick(self, _poll):
        self.now += 1.0


def story(run):
    return {
        r.trial: (r.state, r.score, r.hyperparameters, r.seed, [e.val_accuracy for e in r.epochs])
        for r in run.results
    }


def finished_before(run):
    return next(event.finished for event in run.events if event.kind == "study_started")


@pytest.mark.parametrize("poll", range(1, 16))
def test_interrupted_study_goes_on_as_if_it_had_not_been(run_script, poll):
    whole = run_script(SCRIPT, name="whole")
    first = run_script(SCRIPT, interrupts=(poll,))
    assert first.reason == "interrupted"
    done = sum(first.summary.counts.values())
    assert first.summary.unfinished <= 1
    running = [t for t in first.study.trials if t.state == optuna.trial.TrialState.RUNNING]
    assert len(running) == first.summary.unfinished
    resumed = run_script(SCRIPT, again=True)
    assert finished_before(resumed) == done
    assert story(resumed) == story(whole)
    assert resumed.reason == "all trials done"
    assert resumed.summary.unfinished == 0


def test_interrupt_stops_a_trial_when_its_epoch_is_stored(run_script):
    run = run_script([[0.5] * 9], interrupts=(3,))
    # Pressed during the third epoch; a worker may finish one more before it hears of it.
    assert (run.run.trial_dir(0) / "training_state.ckpt").read_text() == "4"
    assert run.summary.unfinished == 1
    assert run.error is None
    resumed = run_script([[0.5] * 9], again=True)
    assert [job.known_epochs for job in resumed.backend.jobs] == [4]
    (result,) = resumed.results
    assert (len(result.epochs), result.attempts) == (9, 2)
    assert not list(resumed.run.path.glob("trials/*/*.ckpt"))


def test_interrupt_twice_stops_now(run_script):
    run = run_script([[0.5, "hang"]], interrupts=(3, 4))
    assert run.reason == "interrupted"
    assert (run.summary.unfinished, run.backend.polls) == (1, 4)
    resumed = run_script([[0.5, 0.6]], again=True)
    assert resumed.states == {0: "complete"}


def test_timeout_is_honoured_to_within_an_epoch_and_counted_over_all_processes(run_script):
    clock = Clock()
    script = [[0.5] * 50] * 3
    run = run_script(script, clock=clock, on_poll=clock.tick, timeout=10)
    assert (run.reason, run.states) == ("timeout", {})
    epochs = [e for e in read_events(run.run.events) if e.kind == "epoch_finished"]
    assert 10 <= len(epochs) <= 12
    assert run.summary.seconds == pytest.approx(clock.now)
    assert "hpo-torch resume" in str(run.error)


def test_timeout_before_the_first_trial_starts_none(run_script):
    run = run_script([[0.5] * 50] * 3, timeout=1e-9)
    assert run.reason == "timeout"
    assert run.backend.jobs == []


def test_more_trials_go_on_where_the_sampler_was(run_script):
    whole = run_script(SCRIPT, name="whole")
    run_script(SCRIPT, trials=2)
    more = run_script(SCRIPT, trials=5, again=True)
    assert finished_before(more) == 2
    assert [job.trial for job in more.backend.jobs] == [2, 3, 4]
    # TPE's number of random trials depends on the number of trials wanted; both are four here.
    assert story(more) == story(whole)


def test_several_trials_in_flight_are_all_taken_up_again(run_script):
    first = run_script(SCRIPT, capacity=3, interrupts=(2,))
    assert first.summary.unfinished == 3
    resumed = run_script(SCRIPT, capacity=3, again=True)
    assert {job.trial for job in resumed.backend.jobs if job.known_epochs} == {0, 1, 2}
    assert len(resumed.states) == 5
    events = read_events(resumed.run.events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_job_that_still_runs_is_taken_over_with_its_attempt(run_script):
    def press_again(poll):
        if poll == 2:
            signal.raise_signal(signal.SIGINT)

    first = run_script(SCRIPT, interrupts=(2,), on_poll=press_again)  # no attempt is waited for
    backend = run_script.backend(SCRIPT)
    backend.can_reattach = True
    resumed = run_script(SCRIPT, again=True, backend=backend)
    last = first.backend.jobs[-1]
    assert [(j.trial, j.attempt) for j in backend.reattached] == [(last.trial, last.attempt)]
    assert len(resumed.states) == 5


def test_result_that_was_lost_is_made_anew_from_the_log_and_the_storage(run_script):
    whole = run_script(SCRIPT)
    lost = whole.run.trial_dir(1) / "result.json"
    lost.unlink()
    again = run_script(SCRIPT, again=True)
    assert again.backend.jobs == []
    assert story(again) == story(whole)
    with whole.run.trials_table.open() as file:
        assert [row["number"] for row in csv.DictReader(file)] == list("01234")


def test_worse_trials_after_resuming_do_not_replace_the_winner(run_script):
    run_script([[0.9], [0.5]], trials=1)
    again = run_script([[0.9], [0.5]], trials=2, again=True)
    assert again.run.best_checkpoint.read_text() == "weights of trial 0"
    assert again.summary.best_trial == 0
    ends = [event for event in again.events if event.kind == "trial_finished"]
    assert [event.best for event in ends] == [False]


def test_disk_that_is_full_ends_the_process_and_nothing_is_lost(run_script, monkeypatch):
    import hpo_torch.results.atomic_files as atomic

    real, left = atomic.os.fsync, [3]

    def full_after_a_while(descriptor):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", full_after_a_while)
        with pytest.raises(OutputError, match="No space left on device"):
            run_script(SCRIPT)
    whole = run_script(SCRIPT, name="whole")
    assert story(run_script(SCRIPT, again=True)) == story(whole)


def test_trial_whose_pruning_the_next_process_concludes_took_its_own_seconds(
    run_script, monkeypatch
):
    good = [0.5, 0.8, 0.9]
    script = [good, good, good, [0.1, 0.2, 0.3]]
    clock = Clock()
    clock.now = 1e6  # a machine that has been up for long

    def die(*_):
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Brake, "prune", die)
        with pytest.raises(SystemError, match="killed"):
            run_script(script, clock=clock)
    resumed = run_script(script, clock=clock, again=True)
    assert resumed.states[3] == "pruned"
    assert resumed.results[3].seconds == 2.0  # two epochs of a second


def test_interrupt_three_times_is_raised_where_something_keeps_the_loop(run_script):
    def blocked(poll):
        if poll == 2:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_script([[0.5] * 9], on_poll=blocked)
    resumed = run_script([[0.5] * 9], again=True)
    assert (resumed.states, len(resumed.results[0].epochs)) == ({0: "complete"}, 9)


def test_timeout_that_is_used_up_asks_for_a_larger_one(run_script):
    run = run_script([[0.5] * 50], timeout=1e-9)
    assert f"hpo-torch resume {run.run.path} --timeout LARGER" in str(run.error)
