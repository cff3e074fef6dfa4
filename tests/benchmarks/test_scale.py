from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from scale_figures import (
    Mark,
    Read,
    Sizes,
    growth,
    growths,
    mark_rows,
    marks_for,
    median_of_last,
    read_rows,
    sizes_of,
    verdict,
)
from scale_reads import measure, unchanged, ways_to_read
from scale_study import RUN, grow

from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from pathlib import Path


def mark(trials, seconds, events=0, memory=10**8):
    each = events or trials * 1000
    return Mark(trials, seconds, memory, Sizes(each, trials * 500, trials * 100, trials * 300, 3))


@pytest.mark.parametrize(
    ("trials", "marks"),
    [
        (300, [300]),
        (500, [500]),
        (1000, [500, 1000]),
        (1500, [500, 1000, 1500]),
        (10_000, [500, 1000, 2000, 5000, 10_000]),
        (20_000, [500, 1000, 2000, 5000, 10_000, 20_000]),
    ],
)
def test_a_study_is_looked_at_at_the_marks_and_at_its_end(trials, marks):
    assert marks_for(trials) == marks


def test_a_marks_seconds_are_the_median_of_the_last_hundred():
    assert median_of_last([9.0] * 50 + [1.0] * 40 + [2.0] * 30 + [3.0] * 30) == 2.0
    assert median_of_last([1.0, 5.0]) == 3.0


def test_growth_is_the_power_of_the_number_of_trials():
    assert growth((10, 3.0), (100, 30.0)) == pytest.approx(1.0)
    assert growth((10, 3.0), (100, 300.0)) == pytest.approx(2.0)
    assert growth((10, 3.0), (1000, 3.0)) == 0.0
    assert growth((100, 2.0), (400, 4.0)) == pytest.approx(0.5)


def test_growths_compare_the_first_mark_with_the_last():
    found = growths([mark(500, 0.01), mark(1000, 7.0), mark(5000, 0.1, events=50_000_000)])
    assert found["seconds a trial"] == pytest.approx(1.0)
    assert found["events.jsonl"] == pytest.approx(2.0)  # 0.5 MB, and 100 times that
    assert found["trials.csv"] == pytest.approx(1.0)
    assert found["memory"] == 0.0
    assert growths([mark(500, 0.01)]) == {}


def test_a_verdict_names_what_grows_faster_than_trials_and_what_takes_too_long():
    marks = [mark(500, 0.01), mark(5000, 0.3)]
    reads = [
        Read("show", seconds=[4.0, 9.0, 4.5]),
        Read("plot", seconds=[5.5]),
        Read("everything", limited=False, seconds=[50.0]),
    ]
    assert verdict(marks, reads) == [
        "seconds a trial grow with the number of trials to the power of 1.48",  # lg 30
        "plot: 5.5 s",
    ]
    assert verdict([mark(500, 0.01), mark(5000, 0.1)], reads[:1]) == []


def test_rows_of_the_tables():
    (row,) = mark_rows([mark(2000, 0.0123)])
    assert row == ["2,000", "12.3", "100", "2.0", "1.0", "0.20", "0.6", "3"]
    rows = read_rows(
        [
            Read("show", seconds=[4.0, 9.0, 4.5], worked=[3.0, 3.0, 3.5], memory=2 * 10**8),
            Read("plot", seconds=[6.0]),
            Read("runs", seconds=[1.0], code=2),
        ]
    )
    assert rows[0] == ["show", "4.50 (4.00 - 9.00)", "3.00 (3.00 - 3.50)", "3", "200", ""]
    assert rows[1][-1] == "over 5 s"
    assert rows[2][-1] == "exit code 2"


def test_sizes_of_a_folder(tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b"e" * 30)
    (tmp_path / "study.journal").write_bytes(b"j" * 20)
    (tmp_path / "trials/0000").mkdir(parents=True)
    (tmp_path / "trials/0000/result.json").write_bytes(b"r" * 7)
    (tmp_path / "config.yaml").write_bytes(b"c" * 5)
    assert sizes_of(tmp_path) == Sizes(events=30, journal=20, table=0, rest=12, files=2)


def test_measuring_notes_time_memory_and_exit_code():
    read = Read("sleep")
    measure(read, [sys.executable, "-c", "import time; time.sleep(0.2); b = bytearray(60 << 20)"])
    assert (read.code, len(read.seconds)) == (0, 1)
    assert read.seconds[0] > 0.2
    assert read.memory > 60 << 20
    measure(read, [sys.executable, "-c", "import sys; print('said'); sys.exit(3)"])
    assert (read.code, len(read.seconds)) == (3, 2)
    assert read.memory > 60 << 20  # the most of both


def test_what_is_changed_is_put_back(tmp_path):
    run = tmp_path / "run"
    (run / "trials").mkdir(parents=True)
    (run / "events.jsonl").write_text("one")
    with unchanged(run):
        (run / "events.jsonl").write_text("two")
        (run / "new").write_text("three")
    assert (run / "events.jsonl").read_text() == "one"
    assert sorted(path.name for path in run.iterdir()) == ["events.jsonl", "trials"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_study_is_watched_and_its_run_can_be_read_and_resumed(tmp_path):
    grown = grow(str(tmp_path), 6, 0, {"sampler": "random", "mode": "pareto"}, 2)
    assert [mark.trials for mark in grown.marks] == [6]
    assert len(grown.seconds) == 6
    assert 0.0 < sum(grown.seconds) < grown.whole_seconds
    view = RunView.open(tmp_path / RUN)
    assert sum(view.counts.values()) == 6
    assert view.is_complete
    sizes = grown.marks[0].sizes
    assert sizes.events == view.directory.events.stat().st_size - _last_line(view.directory.events)
    assert sizes.files >= 6 * 3
    ways = {way.name: way for way in ways_to_read(tmp_path / RUN, 6)}
    before = view.directory.journal.read_bytes()
    for name in ("`resume RUN --trials N+1`, until it proposes", "`show RUN`"):
        read = Read(name)
        with unchanged(tmp_path / RUN):
            measure(read, ways[name].command)
            proposed = view.directory.journal.read_bytes() != before
        assert read.code == 0
        assert proposed == ways[name].changes
    assert view.directory.journal.read_bytes() == before


def _last_line(path: Path) -> int:
    """Return how long the study's last word is, which comes after the last trial."""
    return len(path.read_bytes().splitlines(keepends=True)[-1])
