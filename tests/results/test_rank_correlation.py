from __future__ import annotations

import pytest

from hpo_torch.results.rank_correlation import kendall_tau


def test_tau_by_hand():
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == 1.0
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == -1.0
    # Three pairs, one discordant, none tied.
    assert kendall_tau([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)
    # Two concordant pairs of three; one tied in the first: 2 / sqrt((3 - 1) 3).
    assert kendall_tau([1, 1, 2], [1, 2, 3]) == pytest.approx(2 / 6**0.5)


@pytest.mark.parametrize("first", [[], [1.0], [1.0, 1.0, 1.0]])
def test_what_does_not_vary_has_no_tau(first):
    assert kendall_tau(first, list(range(len(first)))) is None
