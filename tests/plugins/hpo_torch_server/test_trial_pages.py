from __future__ import annotations

import pytest
from told_run import ended_trial, measured

from hpo_torch.plugin_api import InvalidValueError
from hpo_torch_server.event_fold import OpenTrial
from hpo_torch_server.run_index import open_row
from hpo_torch_server.trial_pages import KEPT_LISTS, TrialPages, Wanted
from hpo_torch_server.trial_table import TrialTable

SCORES = {0: 0.5, 1: 0.9, 2: None, 3: 0.5, 4: 0.7}


@pytest.fixture
def table():
    made = TrialTable()
    for number in (3, 0, 2, 4, 1):  # in the order in which they ended
        state = "complete" if SCORES[number] is not None else "failed"
        made.add(ended_trial(number, state, SCORES[number], seconds=10.0 - number))
    return made


def numbers(page):
    return [row["number"] for row in page.rows]


def every(pages, wanted, limit, open_rows=()):
    found, cursor = [], None
    while True:
        page = pages.page(wanted, open_rows, limit, cursor)
        found += numbers(page)
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("sort", "order", "expected"),
    [
        ("number", "asc", [0, 1, 2, 3, 4]),
        ("number", "desc", [4, 3, 2, 1, 0]),
        ("score", "desc", [1, 4, 0, 3, 2]),  # equals by number; what has no score is last
        ("score", "asc", [0, 3, 4, 1, 2]),
        ("seconds", "asc", [4, 3, 2, 1, 0]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_pages_together_are_all_trials_in_order(table, sort, order, expected, limit):
    assert every(TrialPages(table), Wanted(sort=sort, order=order), limit) == expected


def test_only_wanted_trials_are_counted(table):
    pages = TrialPages(table)
    failed = pages.page(Wanted(states=frozenset({"failed"})), (), 10)
    assert (numbers(failed), failed.total, failed.next) == ([2], 1, None)
    good = pages.page(Wanted(min_score=0.7), (), 1)
    assert (numbers(good), good.total) == ([1], 2)
    both = Wanted(states=frozenset({"failed"}), min_score=0.0)
    assert pages.page(both, (), 10).total == 0


def test_a_trial_that_ends_between_two_pages_shifts_nothing(table):
    pages, wanted = TrialPages(table), Wanted(sort="score", order="desc")
    first = pages.page(wanted, (), 2)
    table.add(ended_trial(9, score=0.95))  # before all others
    table.add(ended_trial(8, score=0.6))  # after the first page
    second = pages.page(wanted, (), 10, first.next)
    assert numbers(first) + numbers(second) == [1, 4, 8, 0, 3, 2]
    assert second.total == 7


def test_open_trials_are_among_the_others(table):
    rows = [open_row(OpenTrial(number)) | {"state": "running"} for number in (5, 6)]
    pages = TrialPages(table)
    assert every(pages, Wanted(), 3, rows) == [0, 1, 2, 3, 4, 5, 6]
    assert every(pages, Wanted(order="desc"), 3, rows) == [6, 5, 4, 3, 2, 1, 0]
    assert every(pages, Wanted(sort="score"), 3, rows) == [0, 3, 4, 1, 2, 5, 6]
    running = pages.page(Wanted(states=frozenset({"running"})), rows, 10)
    assert numbers(running) == [5, 6]


def test_a_cursor_of_another_order_is_refused(table):
    pages = TrialPages(table)
    cursor = pages.page(Wanted(sort="score"), (), 1).next
    for other in (Wanted(), Wanted(sort="score", order="desc")):
        with pytest.raises(InvalidValueError, match="cursor: expected one of a page"):
            pages.page(other, (), 1, cursor)


def test_lists_that_nobody_asks_for_are_dropped(table):
    pages = TrialPages(table)
    for number in range(KEPT_LISTS + 5):
        pages.page(Wanted(min_score=number / 100), (), 1)
    assert len(pages._lists) == KEPT_LISTS


def test_a_value_of_a_metric_sorts(table):
    table.add(ended_trial(7, measurements=measured(health=0.9)))
    table.add(ended_trial(6, measurements=None))
    page = TrialPages(table).page(Wanted(sort="overall_health", order="desc"), (), 100)
    assert numbers(page) == [7, 0, 1, 2, 3, 4, 6]
