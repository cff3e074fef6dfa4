"""Work grows in proportion to trials and events: counted in calls, since time depends on others."""

from __future__ import annotations

import shutil
import sys

import pytest
from scripted_backend import measured

from hpo_torch.protocol.events import (
    EpochFinished,
    HealthAlert,
    StudyStarted,
    TrialFinished,
    TrialRetried,
)
from hpo_torch.protocol.measurements import EpochMetrics
from hpo_torch.results import event_log
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.recovery import read_history

SIZES = (15, 30, 60)
# From 30 to 60 is twice as much more as from 15 to 30; four times, if work grew with the square.
PROPORTIONAL = 2.2
FEW_MORE = 10


def count_calls(function):
    """Return how many Python functions were called."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def assert_proportional(counts):
    first, second, third = counts
    assert third - second < PROPORTIONAL * (second - first), counts


@pytest.fixture
def finished(run_script):
    """Runs of so many finished trials each."""
    return {size: run_script([[0.5]] * size, name=str(size)) for size in SIZES}


def test_resuming_takes_calls_in_proportion_to_finished_trials(run_script, finished):
    assert_proportional(
        [
            count_calls(lambda size=size: run_script([[0.5]] * size, name=str(size), again=True))
            for size in finished
        ]
    )


def test_trials_take_calls_in_proportion_to_earlier_ones(run_script, finished):
    script = [[0.5]] * (SIZES[-1] + FEW_MORE)
    # Random search, whose own work does not grow.
    few = {"sampler": "random", "again": True}
    assert_proportional(
        [
            count_calls(
                lambda size=size: run_script(script[: size + FEW_MORE], name=str(size), **few)
            )
            for size in finished
        ]
    )


def test_results_that_are_gone_are_made_anew_in_proportion(run_script, finished):
    def rebuild(size):
        shutil.rmtree(finished[size].run.path / "trials")
        return count_calls(lambda: run_script([[0.5]] * size, name=str(size), again=True))

    assert_proportional([rebuild(size) for size in finished])
    assert len(finished[SIZES[-1]].results) == SIZES[-1]


def test_ten_thousand_events_are_each_read_once(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path)
    alert = HealthAlert(trial=0, attempt="a", epoch=1, message="dead units")
    lines = (alert.model_copy(update={"seq": seq}).model_dump_json() for seq in range(1, 10_001))
    run.events.write_text("\n".join(lines) + "\n")
    parsed = []
    parse = event_log.parse_event
    monkeypatch.setattr(event_log, "parse_event", lambda line: parsed.append(1) or parse(line))
    read_history(run)
    assert len(parsed) == 10_000
    with EventLog(run.events) as log:
        assert log.append(alert).seq == 10_001
    assert len(parsed) == 10_001  # of the log that goes on, the last one's number is read


def say(run, *events):
    with EventLog(run.events) as log:
        for event in events:
            log.append(event)


def epoch_of(trial, number, attempt="a"):
    metrics = EpochMetrics(
        epoch=number,
        train_loss=1.0,
        train_accuracy=0.5,
        val_loss=1.0,
        val_accuracy=0.5,
        learning_rate=0.1,
        seconds=1.0,
    )
    return EpochFinished(
        trial=trial, attempt=attempt, epochs=9, metrics=metrics, so_far=measured(0.5)
    )


def test_of_ended_trials_no_epoch_is_read_again(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path)
    end = TrialFinished(
        trial=0, attempt="a", state="complete", score=0.5, epochs_run=2, seconds=2.0
    )
    say(run, epoch_of(0, 1), epoch_of(1, 1), epoch_of(0, 2), end, epoch_of(1, 2))
    parsed = []
    parse = event_log.parse_event

    def note(line):
        event = parse(line)
        parsed.append((event.kind, event.trial))
        return event

    monkeypatch.setattr(event_log, "parse_event", note)
    history = read_history(run)
    assert parsed == [("trial_finished", 0), ("epoch_finished", 1), ("epoch_finished", 1)]
    assert history.announced == {0}
    assert [epoch.metrics.epoch for epoch in history.trials[1].epochs] == [1, 2]


def test_what_is_read_late_is_heard_in_its_order(tmp_path):
    run = RunDirectory(tmp_path)
    died = {"failure_kind": "worker_died", "message": "gone", "accumulate": 1}
    say(
        run,
        TrialRetried(trial=0, attempt="a", next_attempt="b", **died),
        TrialRetried(trial=0, attempt="b", next_attempt="c", **died),
        epoch_of(0, 1, "c"),
        TrialRetried(trial=0, attempt="c", next_attempt="d", **died),
    )
    recorded = read_history(run).trials[0]
    assert recorded.deaths_in_a_row == 1  # since the epoch
    assert recorded.ended == {"a", "b", "c"}


def test_epochs_tell_how_long_was_worked(tmp_path):
    run = RunDirectory(tmp_path)
    began = StudyStarted(
        run="r", dataset="d", mode="simple", objective="o", trials=1, backend="local (asked for)"
    )
    moments = ["2026-11-25T10:00:00.000+00:00", "2026-11-25T10:05:00.000+00:00"]
    events = (began, epoch_of(0, 1))
    say(run, *(e.model_copy(update={"time": t}) for e, t in zip(events, moments, strict=True)))
    (span,) = read_history(run).spans
    assert [moment.isoformat(timespec="milliseconds") for moment in span] == moments
