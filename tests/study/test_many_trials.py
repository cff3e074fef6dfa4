"""Work grows in proportion to trials and events: counted in calls, since time depends on others."""

from __future__ import annotations

import shutil
import sys

import pytest

from hpo_torch.protocol.events import HealthAlert
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
