from __future__ import annotations

import io

from rich.console import Console

from hpo_torch.cli.live_picture import render
from hpo_torch.cli.live_state import LiveState
from hpo_torch.cli.plain_view import retry_text
from hpo_torch.protocol.events import (
    EpochFinished,
    StudyStarted,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements


def measurements(accuracy=0.9):
    return Measurements(
        val_accuracy=accuracy,
        val_loss=0.3,
        last_val_accuracy=accuracy,
        skill=0.8,
        parameters=10,
        training_seconds=1.0,
        health={"neuron_utilization": HealthReading(value=0.75)},
        overall_health=0.6,
    )


def started():
    return StudyStarted(
        run="runs/x",
        dataset="digits",
        mode="health",
        objective="val_accuracy",
        trials=4,
        backend="local",
    )


def trial_started(trial):
    return TrialStarted(
        trial=trial,
        attempt="a",
        worker="w",
        device="cpu",
        precision="32-true",
        hyperparameters={},
        parameters=10,
        epochs=5,
    )


def epoch(trial, number, accuracy):
    return EpochFinished(
        trial=trial,
        attempt="a",
        epochs=5,
        metrics=EpochMetrics(
            epoch=number,
            train_loss=0.4,
            train_accuracy=0.8,
            val_loss=0.3,
            val_accuracy=accuracy,
            learning_rate=0.1,
            seconds=1.0,
        ),
        so_far=measurements(accuracy),
        score=0.81,
    )


def finished(trial, state="complete", best=False):
    return TrialFinished(
        trial=trial,
        attempt="a",
        state=state,
        score=0.81,
        best=best,
        epochs_run=5,
        seconds=2.0,
        measurements=measurements(),
    )


def state_after(*events):
    state = LiveState()
    for event in events:
        state.hear(event)
    return state


def text_of(state, now):
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(render(state, now))
    return console.export_text()


def test_state_counts_trials_by_how_they_ended():
    state = state_after(
        started(),
        trial_started(0),
        finished(0, best=True),
        trial_started(1),
        finished(1, "pruned"),
        trial_started(2),
        finished(2, "failed"),
        trial_started(3),
    )
    assert (state.completed, state.pruned, state.failed, state.finished) == (1, 1, 1, 3)
    assert list(state.running) == [3]
    assert state.best.trial == 0


def test_remaining_time_is_the_mean_time_of_a_trial_times_those_left():
    state = state_after(started(), trial_started(0), finished(0))
    # One of four trials took 10 seconds: three more take 30.
    assert state.seconds_left(state.started + 10) == 30


def test_no_estimate_before_a_trial_has_ended():
    state = state_after(started(), trial_started(0))
    assert state.seconds_left(state.started + 10) is None


def test_render_shows_progress_current_epoch_and_best():
    state = state_after(
        started(),
        trial_started(0),
        epoch(0, 1, 0.9),
        finished(0, best=True),
        trial_started(1),
        epoch(1, 1, 0.5),
        epoch(1, 2, 0.7),
    )
    text = text_of(state, state.started + 75)
    assert "trials 1/4" in text
    assert "elapsed 1:15" in text
    assert "2/5" in text
    assert "0.7000" in text
    assert "▁█" in text
    assert "trial 0  score 0.8100" in text
    assert "neuron utilization     ━━━━━━━━━─── 0.75" in text


def test_render_before_the_study_starts():
    assert "preparing" in text_of(LiveState(), 0.0)


def test_confirmation_within_a_search_is_counted_anew():
    state = LiveState()
    words = {"dataset": "digits", "mode": "simple", "objective": "val_accuracy", "backend": "local"}
    state.hear(StudyStarted(run="x", trials=2, **words))
    for trial in (0, 1):
        state.hear(
            TrialFinished(
                trial=trial, attempt="a", state="complete", score=0.5, epochs_run=1, seconds=1.0
            )
        )
    state.hear(
        StudyStarted(run="x/confirmation", trials=6, finished=4, purpose="confirmation", **words)
    )
    assert (state.finished, state.total) == (4, 6)
    assert state.title.startswith("confirmation")


def retried(accumulate=1):
    return TrialRetried(
        trial=3,
        attempt="a",
        failure_kind="out_of_memory" if accumulate > 1 else "worker_died",
        message="killed by signal 9\nmore",
        next_attempt="b",
        accumulate=accumulate,
    )


def test_retry_text_is_one_line_that_says_why_and_how():
    assert retry_text(retried()) == "tried again (worker_died): killed by signal 9"
    assert retry_text(retried(2)).startswith("tried again with batches in 2 parts (out_of_memory)")


def study_started(finished):
    return StudyStarted(
        run="r",
        dataset="d",
        mode="simple",
        objective="val_accuracy",
        trials=10,
        backend="local",
        finished=finished,
    )


def trial_ended(trial, *, best=False):
    return TrialFinished(
        trial=trial, attempt="a", state="complete", score=0.5, best=best, epochs_run=1, seconds=1
    )


def test_resumed_search_counts_earlier_trials_but_not_their_time():
    state = LiveState()
    state.recall([study_started(0), trial_ended(0, best=True), trial_ended(1)])
    state.hear(study_started(2))
    assert (state.finished, state.finished_before, state.best.trial) == (2, 2, 0)
    assert state.seconds_left(state.started + 60) is None
    state.hear(trial_ended(2))
    # One trial took a minute; seven are left.
    assert state.seconds_left(state.started + 60) == 7 * 60


def test_trial_that_is_tried_again_shows_which_attempt_it_is():
    state = LiveState()
    for event in (started(), trial_started(3), retried()):
        state.hear(event)
    console = Console(file=io.StringIO(), width=120)
    console.print(render(state, state.started))
    assert "3 (attempt 2)" in console.file.getvalue()
