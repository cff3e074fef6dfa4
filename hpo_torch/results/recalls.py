"""What a confusion matrix says: how many are right, each class's recall, which are confused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PAIRS: Final = 10
"""Of pairs of classes that are confused; what follows is seldom more than one example each."""


@dataclass(frozen=True, slots=True)
class Confused:
    """How often one class was taken for another.

    Attributes:
        true: Position of the true class.
        predicted: Position of the class that it was taken for.
        count: How often, at least once.
        share: Of all examples of the true class, above 0, up to 1.
    """

    true: int
    predicted: int
    count: int
    share: float


def correct_count(confusion: Sequence[Sequence[int]]) -> int:
    """Return how many examples were recognised: the sum of the diagonal.

    >>> correct_count([[3, 1], [2, 4]])
    7
    """
    return sum(row[index] for index, row in enumerate(confusion))


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


def confused_pairs(confusion: Sequence[Sequence[int]], most: int = MOST_PAIRS) -> list[Confused]:
    """Return what was taken for what, the most frequent first; of equals, in class order.

    Args:
        confusion: [C][C] counts; row: true class, column: predicted class.
        most: Pairs at most.
    """
    pairs = [
        Confused(true, predicted, count, count / sum(row))
        for true, row in enumerate(confusion)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    return sorted(pairs, key=lambda pair: -pair.count)[:most]
