from __future__ import annotations

import pytest
from scipy.stats import binomtest

from hpo_torch.errors import InvalidValueError
from hpo_torch.results.wilson import wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 10), (8, 10), (10, 10), (11800, 12630), (1, 1)]
)
def test_wilson_interval_agrees_with_scipy(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_impossible_counts(successes, trials):
    with pytest.raises(InvalidValueError, match="wilson_interval"):
        wilson_interval(successes, trials)
