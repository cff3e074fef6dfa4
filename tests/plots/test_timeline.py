from __future__ import annotations

from datetime import timedelta

import pytest
from synthetic_study import START

from hpo_torch.plots.timeline import Clock, timeline
from hpo_torch.results.attempts import Attempt, Attempts


def at(second):
    return START + timedelta(seconds=second)


def attempt(trial, worker, began, ended, ending="complete"):
    return Attempt(trial, f"{trial}-{began}", worker, at(began), at(ended), ending)


def bars(axes):
    """(row, start, end) of each bar, in the order of the endings."""
    found = []
    for collection in axes.collections:
        for path in collection.get_paths():
            low, high = path.vertices.min(axis=0), path.vertices.max(axis=0)
            found.append((round((low[1] + high[1]) / 2), float(low[0]), float(high[0])))
    return found


def test_clock_counts_work_only():
    clock = Clock([(at(0), at(10)), (at(5), at(20)), (at(100), at(130))])
    assert [clock.seconds(at(second)) for second in (0, 7, 20, 100, 105, 130)] == [
        0, 7, 20, 20, 25, 50,
    ]  # fmt: skip
    assert clock.pauses == [(20, 80)]
    assert clock.total == 50


def test_each_worker_has_a_row_with_its_attempts():
    attempts = [
        attempt(0, "w-10", 0, 40),
        attempt(1, "w-2", 0, 10, "retried"),
        attempt(1, "w-2", 20, 60, "pruned"),
        attempt(2, None, 70, 70, "failed"),
    ]
    axes = timeline(Attempts(attempts, [(at(0), at(100))])).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["w-2", "w-10", "no worker"]
    assert bars(axes) == [
        (0, 20, 60),
        (0, 0, 10),
        (1, 0, 40),
        (2, 70, pytest.approx(70.4)),  # ended at once, and is seen nevertheless
    ]
    assert axes.get_xlabel() == "seconds since the start"


def test_a_pause_is_cut_out_and_said():
    attempts = [attempt(0, "w", 0, 30, "unfinished"), attempt(0, "w", 3630, 3660)]
    axes = timeline(Attempts(attempts, [(at(0), at(30)), (at(3630), at(3660))])).axes[0]
    assert bars(axes) == [(0, 30, 60), (0, 0, 30)]
    assert " paused 60 minutes" in [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [(119, "seconds"), (600, "minutes"), (10_000, "hours"), (400_000, "days")],
)
def test_the_unit_suits_the_length(seconds, unit):
    axes = timeline(Attempts([attempt(0, "w", 0, seconds)])).axes[0]
    assert axes.get_xlabel() == f"{unit} since the start"
    assert axes.get_xlim()[1] < 300


def test_legend_counts_how_attempts_ended():
    attempts = [attempt(0, "w", 0, 1), attempt(1, "w", 1, 2), attempt(2, "w", 2, 3, "failed")]
    legend = timeline(Attempts(attempts)).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["complete (2)", "failed (1)"]


def test_numbers_stand_only_where_they_fit():
    attempts = [attempt(0, "w", 0, 100), attempt(777, "w", 100, 101)]
    axes = timeline(Attempts(attempts)).axes[0]
    assert [text.get_text() for text in axes.texts] == ["0"]
