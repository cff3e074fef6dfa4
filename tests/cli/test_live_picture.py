"""The live view fits every terminal, whatever happens, and shows what a reader must know."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hpo_torch.cli.live_picture import render
from hpo_torch.cli.live_state import LiveState
from hpo_torch.protocol.events import (
    EpochFinished,
    HealthAlert,
    StudyFinished,
    StudyStarted,
    TrainingFinished,
    TrialFinished,
    TrialStarted,
)
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.protocol.usage import RemoteUsage

METRICS = ("neuron_utilization", "gradient_health", "training_stability", "generalization")
METRICS += ("parameter_efficiency", "calibration", "rank", "update_ratios", "dormancy")


def measured(accuracy):
    return Measurements(
        val_accuracy=accuracy,
        val_loss=0.3,
        last_val_accuracy=accuracy,
        skill=0.8,
        parameters=10,
        training_seconds=1.0,
        health={name: HealthReading(value=0.75) for name in METRICS},
        overall_health=0.6,
    )


def begun(trial, worker):
    return TrialStarted(
        trial=trial, attempt=f"a{trial}", worker=worker, device="cuda:0 (NVIDIA H100 80GB HBM3)",
        precision="32-true", hyperparameters={}, parameters=10, epochs=20,
    )  # fmt: skip


def epoch(trial, number, accuracy):
    metrics = EpochMetrics(
        epoch=number, train_loss=0.4, train_accuracy=0.8, val_loss=0.3, val_accuracy=accuracy,
        learning_rate=0.1, seconds=1.0,
    )  # fmt: skip
    return EpochFinished(
        trial=trial,
        attempt=f"a{trial}",
        epochs=20,
        metrics=metrics,
        so_far=measured(accuracy),
        score=0.81,
    )


def ended(trial, score, state="complete", best=False):
    return TrialFinished(
        trial=trial, attempt="a", state=state, score=score, best=best, epochs_run=5, seconds=2.0,
        failure_kind="diverged" if state == "failed" else None,
        message="the loss became nan" if state == "failed" else "", measurements=measured(0.9),
    )  # fmt: skip


def busy(jobs, *, mode="health", time="2026-11-25T10:20:00+00:00"):
    """A search with jobs trials in training, others behind it, and many alarms."""
    state = LiveState()
    state.hear(
        StudyStarted(
            time=time, run="r", dataset="fashion_mnist", mode=mode, objective="val_accuracy",
            trials=200, backend="local (auto: worker processes on this machine)",
        )
    )  # fmt: skip
    for trial, score in enumerate((0.5, 0.7, 0.6)):
        state.hear(begun(trial, "local-0"))
        state.hear(epoch(trial, 1, score))
        state.hear(ended(trial, score, best=score != 0.6))
    state.hear(ended(3, None, "failed"))
    for trial in range(4, 4 + jobs):
        state.hear(begun(trial, f"local-{trial}"))
        for number in range(1, 16):
            state.hear(epoch(trial, number, number / 20))
        alert = "all units of layer features.0 are dead, " * 6
        state.hear(HealthAlert(trial=trial, attempt="a", epoch=15, message=alert))
    state.note = "scoring the winner on the test set"
    return state


def lines_of(state, width, height, seconds=60.0):
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(render(state, state.started + seconds))
    return console.export_text().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (119, 24), (120, 24), (200, 50)])
@pytest.mark.parametrize("jobs", [0, 1, 8, 64])
@pytest.mark.parametrize("mode", ["health", "pareto"])
def test_picture_fits_the_terminal(size, jobs, mode):
    width, height = size
    lines = lines_of(busy(jobs, mode=mode), width, height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "trials 4/200" in text
    assert "best  trial 1  score 0.7000" in text
    assert "alarms" in text


def test_small_terminal_shows_workers_curves_alarms_and_rates():
    text = "\n".join(lines_of(busy(2), 80, 24))
    assert "local-4" in text
    assert "▁▁▂▂▃▄▄▅▆▆▇█" in text  # the last twelve of fifteen epochs
    assert "trial 5, epoch 15: all units of layer" in text
    assert "idle: local-0" in text
    # Four trials have ended in a minute, and 3 + 2 * 15 epochs.
    assert "4.0 trials and 33.0 epochs a minute" in text
    # 196 trials are left at a quarter of a minute each.
    assert "about 49:00 left" in text
    assert "best so far  ▁██  0.5000 to 0.7000" in text


def test_running_total_of_what_is_rented_is_shown():
    state = busy(1)
    assert "$" not in "\n".join(lines_of(state, 80, 24))
    used = RemoteUsage(
        job="j-1", endpoint="e-1", tier="ADA_24", price_per_second=0.25, price_source="table",
        queue_seconds=3.0, execution_seconds=10.0, cost_lower=2.5, cost_upper=3.75,
    )  # fmt: skip
    state.hear(ended(4, 0.6).model_copy(update={"usage": [used, used]}))
    assert "$5.00 to $7.50" in "\n".join(lines_of(state, 80, 24))


def test_trial_that_is_left_for_later_is_no_longer_in_training():
    state = busy(1)
    state.hear(TrainingFinished(trial=4, attempt="a", outcome="stopped"))
    assert state.running == {}


def test_wide_terminal_has_losses_and_bars_of_health():
    text = "\n".join(lines_of(busy(2), 150, 40))
    assert "val loss" in text
    assert "neuron utilization     ━━━━━━━━━─── 0.75" in text
    assert "neuron utilization" not in "\n".join(lines_of(busy(0), 150, 40)[:3])


def test_trials_that_have_no_room_are_counted():
    text = "\n".join(lines_of(busy(64), 80, 24))
    shown = text.count("cuda:0")
    assert f"... and {64 - shown} more in training" in text
    assert shown >= 1


def test_failures_are_alarms_that_stay():
    text = "\n".join(lines_of(busy(0), 80, 24))
    assert "trial 3, failed: the loss became nan" in text


def test_end_of_a_search_clears_what_was_in_training():
    state = busy(3)
    end = StudyFinished(
        reason="interrupted", completed=3, pruned=0, failed=1, unfinished=3, best_trial=1,
        best_score=0.7, test_accuracy=None,
    )  # fmt: skip
    state.hear(end)
    assert (state.running, state.ended, state.note) == ({}, end, "")
