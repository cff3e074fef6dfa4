from __future__ import annotations

from hpo_torch.results.recalls import Confused, confused_pairs, recalls

CONFUSION = [[8, 2, 0], [3, 1, 0], [0, 0, 0]]


def test_recall_is_the_share_of_a_row_on_the_diagonal():
    assert recalls(CONFUSION) == [0.8, 0.25, None]


def test_pairs_are_sorted_by_how_often_and_leave_out_what_is_right():
    assert confused_pairs(CONFUSION) == [Confused(1, 0, 3), Confused(0, 1, 2)]
    assert confused_pairs([[4, 0], [0, 4]]) == []
