"""Part of a training set, chosen at random so that every class keeps its share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SEED = 0  # fixed: the part depends on the data alone, in this study and in the next
_PER_CLASS = 2  # one trains, one validates


def fewest_per_class(validation_share: float) -> int:
    """Return how many examples of a class a stratified split needs to have some on both sides.

    Args:
        validation_share: Share of the examples that validates, 0 < share < 1.
    """
    smaller = min(validation_share, 1 - validation_share)
    return max(_PER_CLASS, math.ceil(round(1 / smaller, 9)))  # 1 / (1 - 0.9) is a little above 10


def subsample(labels: Ints, groups: Ints | None, size: int, fewest: int) -> Ints:
    """Choose about `size` of N examples; each class has its share, up to rounding.

    A larger part contains the smaller ones. Of rare classes `fewest` examples are kept (all, if
    there are no more), so that the result may be larger than `size`. Groups are kept whole, and
    each class keeps at least two of its groups, which a split by groups needs.

    Args:
        labels: int64 [N].
        groups: int64 [N]; None where every example stands alone.
        size: Number of examples wanted, at least 1.
        fewest: Of each class.

    Returns:
        Their positions, ascending.
    """
    members = np.arange(len(labels))
    if groups is not None:
        members = np.unique(groups, return_inverse=True)[1]
    parts = _Parts.of(members, labels)
    order = _shuffled(parts.commonest_classes())
    chosen = parts.kept_of_each_class(order, fewest, 1 if groups is None else _PER_CLASS)
    sizes = np.bincount(members)
    free = size - int(sizes[chosen].sum())
    for group in order[~chosen[order]].tolist():
        free -= int(sizes[group])
        if free < 0:
            break
        chosen[group] = True
    return np.flatnonzero(chosen[members])


class _Parts(NamedTuple):
    """Every pair of a group and a class that occurs; groups are numbered from 0.

    Attributes:
        groups: int64 [P], ascending.
        classes: int64 [P].
        counts: int64 [P], how many examples they have in common.
    """

    groups: Ints
    classes: Ints
    counts: Ints

    @classmethod
    def of(cls, members: Ints, labels: Ints) -> Self:
        """Count the pairs of N examples' groups and classes."""
        pairs, counts = np.unique(np.stack((members, labels)), axis=1, return_counts=True)
        return cls(pairs[0], pairs[1], counts)

    def commonest_classes(self) -> Ints:
        """Return each group's."""
        by_count = np.lexsort((self.counts, self.groups))
        last = np.append(np.diff(self.groups[by_count]) > 0, True)
        commonest: Ints = self.classes[by_count][last]
        return commonest

    def kept_of_each_class(self, order: Ints, fewest: int, fewest_groups: int) -> NDArray[np.bool_]:
        """Return which groups are kept whatever the size: each class's first ones in `order`."""
        ranks = np.argsort(order)
        kept = np.zeros(len(order), dtype=bool)
        for code in np.unique(self.classes):
            pairs = np.flatnonzero(self.classes == code)
            pairs = pairs[ranks[self.groups[pairs]].argsort()]
            before = np.cumsum(self.counts[pairs]) - self.counts[pairs]
            needed = (before < fewest) | (np.arange(len(pairs)) < fewest_groups)
            kept[self.groups[pairs[needed]]] = True
        return kept


def _shuffled(codes: Ints) -> Ints:
    """Return an order in which the first n have every class's share, up to rounding, for every n.

    The k-th of a class, from 0 in random order, comes at (k + 1/2) / its number.
    """
    generator = np.random.RandomState(_SEED)  # its numbers never change; a Generator's may
    moments = np.empty(len(codes))
    for code in np.unique(codes):
        of_class = generator.permutation(np.flatnonzero(codes == code))
        moments[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    return np.lexsort((generator.permutation(len(codes)), moments))
