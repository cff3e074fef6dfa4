"""Recall of each class, and which classes are confused: both read off a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Confused:
    """How often one class was taken for another.

    Attributes:
        true: Position of the true class.
        predicted: Position of the class that it was taken for.
        count: How often, at least once.
    """

    true: int
    predicted: int
    count: int


def recalls(confusion: Sequence[Sequence[int]]) -> list[float | None]:
    """Return the share of each class's examples that were recognised, 0..1.

    Args:
        confusion: [C][C] counts; row: true class, column: predicted class.

    Returns:
        One per class; None of a class without examples.

    >>> recalls([[3, 1], [0, 0]])
    [0.75, None]
    """
    return [
        row[index] / total if (total := sum(row)) else None for index, row in enumerate(confusion)
    ]


def confused_pairs(confusion: Sequence[Sequence[int]]) -> list[Confused]:
    """Return what was taken for what, the most frequent first; of equals, in class order."""
    pairs = [
        Confused(true, predicted, count)
        for true, row in enumerate(confusion)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    return sorted(pairs, key=lambda pair: -pair.count)
