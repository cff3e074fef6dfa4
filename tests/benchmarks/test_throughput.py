from __future__ import annotations

import sys

import pytest
from plain_epoch import plain_measurements, plain_metrics
from throughput import options, search_options, workers_table
from throughput_figures import (
    gaps,
    median_of,
    moment,
    pace,
    read_search,
    speed_up,
    table,
)

from hpo_torch.protocol.events import EpochFinished, StudyStarted, TrialFinished, TrialStarted


def at(second):
    return {"time": f"1970-01-01T00:00:{second:06.3f}+00:00"}


def study(second):
    words = {"run": "x", "dataset": "digits", "mode": "simple", "objective": "val_accuracy"}
    return StudyStarted(**words, trials=4, backend="local", **at(second))


def start(second, trial, worker, attempt="1"):
    return TrialStarted(
        trial=trial,
        attempt=attempt,
        worker=worker,
        device="cpu",
        precision="32-true",
        hyperparameters={"filters": 16 + trial},
        parameters=10,
        epochs=2,
        **at(second),
    )


def epoch(second, trial, seconds, health_seconds=0.0, attempt="1"):
    metrics, measured = plain_metrics(seconds, health_seconds), plain_measurements(seconds)
    return EpochFinished(
        trial=trial, attempt=attempt, epochs=2, metrics=metrics, so_far=measured, **at(second)
    )


def end(second, trial, seconds, state="complete", attempt="1"):
    return TrialFinished(
        trial=trial,
        attempt=attempt,
        state=state,
        score=0.5,
        epochs_run=1,
        seconds=seconds,
        **at(second),
    )


@pytest.fixture
def search():
    """Two workers, two trials each; trial 1 ends before it has trained an epoch."""
    return read_search(
        [
            study(2.0),
            start(5.0, 0, "a"),
            start(6.0, 1, "b"),
            end(7.0, 1, 5.0, "failed"),
            start(7.25, 3, "b"),
            epoch(8.0, 0, 1.5, 0.5),  # began at 6.0
            end(8.4, 0, 6.0),
            start(8.6, 2, "a"),
            epoch(9.25, 3, 1.5),  # began at 7.75
            epoch(10.0, 2, 1.0, 0.2),  # began at 8.8
            end(10.5, 2, 1.9, "failed"),
            end(11.0, 3, 3.75),
        ]
    )


def test_gaps_lie_between_the_trials_of_one_worker(search):
    first, second = gaps(search)
    assert (first.worker, first.before, first.after) == ("a", 0, 2)
    assert first.closing == pytest.approx(0.4)
    assert first.handing_over == pytest.approx(0.2)
    assert first.setting_up == pytest.approx(0.2)
    assert first.between == pytest.approx(0.4)
    assert first.untrained == pytest.approx(0.8)
    assert (second.worker, second.before, second.after) == ("b", 1, 3)
    assert second.between == pytest.approx(0.25 + 0.5)


def test_a_gap_without_an_epoch_before_or_after_it_is_not_known_as_a_whole(search):
    assert gaps(search)[1].closing is None
    assert gaps(search)[1].untrained is None
    search.trials[3].epochs.clear()
    assert gaps(search)[1].setting_up is None
    assert gaps(search)[1].between is None
    assert gaps(search)[1].handing_over == pytest.approx(0.25)


def test_pace_counts_from_the_first_trials_start_to_the_last_ones_end(search):
    figures = pace(search, begin=0.0, end=13.0)
    assert figures["trials_a_minute"] == pytest.approx(60 * 4 / 6.0)
    assert figures["states"] == {"complete": 2, "failed": 2}
    assert figures["trials_by_worker"] == {"a": 2, "b": 2}
    assert figures["epochs"] == 3
    assert figures["training_seconds"] == pytest.approx(2.0 + 1.5 + 1.2)
    assert figures["wall_seconds"] == 13.0
    assert figures["to_study_seconds"] == pytest.approx(2.0)
    assert figures["to_first_trial_seconds"] == pytest.approx(5.0)
    assert figures["to_first_epoch_seconds"] == pytest.approx(8.0)
    assert figures["trials_seconds"] == pytest.approx(6.0)
    assert figures["after_last_trial_seconds"] == pytest.approx(2.0)
    assert figures["closing_seconds"] == pytest.approx([0.4])
    assert figures["between_seconds"] == pytest.approx([0.4, 0.75])
    assert figures["untrained_seconds"] == pytest.approx([0.8])
    assert len(figures["gaps"]) == 2


def test_time_beside_training_leaves_the_first_trial_of_a_worker_out(search):
    # Trial 2: 1.9 less 1.2; trial 3: 3.75 less 1.5.
    assert pace(search, 0.0, 13.0)["beside_training_seconds"] == pytest.approx([0.7, 2.25])


def test_a_search_whose_trials_have_not_ended_has_no_pace():
    with pytest.raises(ValueError, match="no trial has ended"):
        pace(read_search([study(1.0), start(2.0, 0, "a")]), 0.0, 3.0)


def test_a_trial_that_was_started_again_counts_from_its_last_start():
    events = [
        start(1.0, 0, "a"),
        epoch(2.0, 0, 0.5),
        start(4.0, 0, "b", attempt="2"),
        epoch(6.0, 0, 1.5, attempt="2"),
        end(7.0, 0, 5.0, attempt="2"),
    ]
    search = read_search(events)
    assert list(search.by_worker()) == ["b"]
    assert [moment(event) for event in search.trials[0].epochs] == [6.0]
    assert search.trials[0].first_step == 4.5


def test_configurations_are_what_each_trial_trained(search):
    assert search.configurations[3] == {"filters": 19}
    assert sorted(search.configurations) == [0, 1, 2, 3]


def made(trials_a_minute, between, jobs=1):
    return {
        "jobs": jobs,
        "trials_a_minute": trials_a_minute,
        "wall_seconds": 100.0,
        "to_study_seconds": 0.0,
        "to_first_trial_seconds": 5.0,
        "trials_seconds": 90.0,
        "after_last_trial_seconds": 1.0,
        "training_seconds": 80.0,
        "workers_cpu_seconds": 50.0,
        "program_cpu_seconds": 10.0,
        "closing_seconds": [0.1],
        "between_seconds": between,
        "untrained_seconds": [],
        "beside_training_seconds": [0.3],
        "torch_threads_a_worker": 2,
        "system_threads_by_worker": [7] * jobs,
        "trials_by_worker": {f"local-{number}": 2 for number in range(jobs)},
        "states": {"complete": 3, "failed": 1},
    }


@pytest.fixture
def rounds():
    return [
        {"one": made(10.0, [0.1, 0.2]), "more": made(18.0, [0.4], jobs=2)},
        {"one": made(20.0, [0.6]), "more": made(30.0, [], jobs=2)},
    ]


def test_speed_up_is_of_rounds(rounds):
    assert speed_up(rounds).ratios == pytest.approx([1.8, 1.5])
    assert speed_up(rounds).median == pytest.approx(1.65)


def test_a_median_is_of_all_gaps_of_all_rounds(rounds):
    assert median_of(rounds, "one", "between_seconds") == 0.2
    assert median_of(rounds, "more", "between_seconds") == 0.4
    assert median_of(rounds[1:], "more", "between_seconds") is None


def test_table_shows_medians_ranges_and_ratios(rounds):
    lines = table(rounds).splitlines()
    assert lines[2] == (
        "| trials a minute | 15.0 (10.0 - 20.0) | 24.0 (18.0 - 30.0) | 1.65 (1.50 - 1.80) |"
    )
    begin = next(line for line in lines if "study's begin" in line)
    assert begin.endswith("| 0.00 (0.00 - 0.00) | 0.00 (0.00 - 0.00) | - |")
    between = next(line for line in lines if line.startswith("| between two trials"))
    assert between.endswith("| 0.200 (0.100 - 0.600) | 0.400 (0.400 - 0.400) | - |")
    both = next(line for line in lines if line.startswith("| both"))
    assert both.endswith("| - | - | - |")


def test_workers_table_has_a_row_for_each_search(rounds):
    lines = workers_table(rounds).splitlines()
    assert lines[2] == "| 1 | 1 | 2 | 7 | 2 | 3 complete, 1 failed |"
    assert lines[5] == "| 2 | 2 | 2 | 7, 7 | 2, 2 | 3 complete, 1 failed |"


def given(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["throughput.py", *arguments])
    return options()


def test_both_searches_differ_by_their_workers_only(monkeypatch):
    parsed = given(monkeypatch, "--dataset", "mnist", "--data-dir", "d")
    one, more = (search_options(parsed, jobs, seed=5) for jobs in (1, 2))
    assert [pair for pair in zip(one, more, strict=True) if len(set(pair)) > 1] == [("1", "2")]
    assert one[one.index("--data-dir") + 1] == "d"
    assert "search.space.cnn.kernel_size={choices: [3]}" in one


def test_all_networks_leave_the_space_as_it_is(monkeypatch):
    parsed = given(monkeypatch, "--all-networks")
    assert not any("space" in option for option in search_options(parsed, 1, seed=0))


def test_small_changes_what_takes_time(monkeypatch):
    parsed = given(monkeypatch, "--small", "--dataset", "digits")
    assert (parsed.trials, parsed.epochs, parsed.rounds, parsed.jobs) == (6, 2, 1, 2)


def test_one_worker_is_not_compared_with_itself(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        given(monkeypatch, "--jobs", "1")
    assert "expected 2 or more, got 1" in capsys.readouterr().err
