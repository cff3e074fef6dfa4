"""Kendall's rank correlation: do two figures of the same trials rank them alike?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return tau-b, -1..1: 1 where both rank alike, -1 where one is the other's reverse.

    Args:
        first: Finite numbers.
        second: As many, of the same trials.

    Returns:
        None where one of them does not vary, or there are fewer than two.

    >>> round(kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.667
    """
    if len(set(first)) < 2 or len(set(second)) < 2:  # noqa: PLR2004 - what does not vary ranks nothing
        return None
    from scipy.stats import kendalltau  # takes half a second to import

    return float(kendalltau(first, second).statistic)
