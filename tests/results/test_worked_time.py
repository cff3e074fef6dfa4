from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hpo_torch.results.worked_time import hear, merged, seconds_until, seconds_worked

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(second):
    return NOON + timedelta(seconds=second)


def span(first, last):
    return at(first), at(last)


def test_a_process_works_from_its_first_event_to_its_last():
    spans = []
    hear(spans, at(0), begins=False)  # whose process is not known
    for second, begins in ((1, True), (5, False), (4, False), (9, True)):
        hear(spans, at(second), begins=begins)
    assert spans == [span(1, 5), span(9, 9)]


def test_spans_that_overlap_or_touch_are_one():
    found = merged([span(30, 40), span(0, 10), span(5, 8), span(10, 12), span(35, 45)])
    assert found == [span(0, 12), span(30, 45)]


def test_what_is_shorter_than_a_pause_is_work():
    spans = [span(0, 10), span(12, 20), span(23, 30)]
    assert merged(spans, 3.0) == [span(0, 20), span(23, 30)]
    assert merged(spans, 3.1) == [span(0, 30)]


def test_seconds_worked_counts_no_second_twice():
    # 0 to 10 and 30 to 40; 5 to 8 lies within, 35 to 45 adds 5.
    assert seconds_worked([span(30, 40), span(0, 10), span(5, 8), span(35, 45)]) == 25.0
    assert seconds_worked([]) == 0.0


def test_time_between_processes_does_not_count():
    spans = [span(0, 10), span(100, 120)]
    assert [seconds_until(at(s), spans) for s in (-1, 0, 4, 50, 105, 500)] == [0, 0, 4, 10, 15, 30]


def test_time_of_two_processes_at_once_counts_once():
    assert seconds_until(at(7), [span(0, 10), span(5, 20)]) == 7.0
