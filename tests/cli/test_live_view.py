from __future__ import annotations

import io

from rich.console import Console

from hpo_torch.cli.live_state import LiveState
from hpo_torch.cli.live_view import clock, render, sparkline
from hpo_torch.protocol.events import EpochFinished, StudyStarted, TrialFinished, TrialStarted
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
    assert "neuron utilization 0.75" in text


def test_render_before_the_study_starts():
    assert "preparing" in text_of(LiveState(), 0.0)


def test_sparkline_spans_its_own_range():
    assert sparkline([1.0, 2.0, 3.0]) == "▁▄█"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([]) == ""


def test_clock():
    assert [clock(s) for s in (0, 59.9, 61, 3661)] == ["0:00", "0:59", "1:01", "1:01:01"]
