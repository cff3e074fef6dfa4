from __future__ import annotations

from hpo_torch.results.recalls import MOST_PAIRS, Confused, confused_pairs, correct_count, recalls

CONFUSION = [[8, 2, 0], [3, 1, 0], [0, 0, 0]]


def test_recall_is_the_share_of_a_row_on_the_diagonal():
    assert recalls(CONFUSION) == [0.8, 0.25, None]


def test_pairs_are_sorted_by_how_often_and_leave_out_what_is_right():
    assert confused_pairs(CONFUSION) == [Confused(1, 0, 3, 0.75), Confused(0, 1, 2, 0.2)]
    assert confused_pairs([[4, 0], [0, 4]]) == []


def test_pairs_are_no_more_than_asked_for():
    confusion = [[90, 7, 3], [0, 50, 0], [9, 0, 1]]
    assert confused_pairs(confusion, 2) == [Confused(2, 0, 9, 0.9), Confused(0, 1, 7, 0.07)]
    assert [pair.count for pair in confused_pairs(confusion)] == [9, 7, 3]
    assert len(confused_pairs([[1] * 5] * 5)) == MOST_PAIRS


def test_the_diagonal_is_what_was_right():
    assert correct_count(CONFUSION) == 9
