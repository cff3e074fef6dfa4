"""Which examples train, which validate, and which are looked at: by class, by seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.model_selection import StratifiedShuffleSplit

from hpo_torch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Ints = NDArray[np.int64]

_PARTS = 2
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Split:
    """A set's two parts: disjoint, together everything.

    Attributes:
        train: int64 [T], ascending positions of the examples that train.
        validation: int64 [V], ascending positions of the examples that validate.
    """

    train: Tensor
    validation: Tensor


def stratified_split(
    labels: Tensor, fraction: float, seed: int, groups: Tensor | None = None
) -> Split:
    """Split at random so that every class validates with the same share of its examples.

    Without groups the validation part has ceil(fraction * N) examples and each class's share is
    exact up to rounding; a class so rare that its share is less than one example trains only. With
    groups, a group is never divided, and each class's share is as near to `fraction` as whole
    groups let it be. Equal arguments give equal splits.

    Args:
        labels: int64 [N].
        fraction: Share that validates, 0 < fraction < 1.
        seed: Decides which examples; 0..2**32-1.
        groups: int64 [N]; examples of one group stay on one side.

    Raises:
        DataError: No class is large enough to validate, or, with groups, a class cannot be on both
            sides.
    """
    classes, codes = np.unique(labels.cpu().numpy(), return_inverse=True)
    if groups is None:
        validates = _split_examples(codes, fraction, seed)
    else:
        _, members = np.unique(groups.cpu().numpy(), return_inverse=True)
        counts = np.zeros((members.max() + 1, len(classes)), dtype=np.int64)
        np.add.at(counts, (members, codes), 1)
        _check_divisible((counts > 0).sum(axis=0), classes)
        validates = _choose_groups(counts, fraction, np.random.default_rng(seed))[members]
        _check_both_sides(codes, validates, classes)
    mask = torch.from_numpy(validates)
    return Split(train=(~mask).nonzero().flatten(), validation=mask.nonzero().flatten())


def stratified_sample(labels: Tensor, size: int, seed: int) -> Tensor:
    """Draw examples so that every class has its share, up to rounding; all if there are fewer.

    The order is such that the first n of the result are a stratified sample of n for every n, so
    that a smaller probe is a part of a larger one with the same seed.

    Args:
        labels: int64 [N].
        size: Number of examples wanted, at least 1.
        seed: Decides which examples; 0..2**32-1.

    Returns:
        int64 [min(size, N)], positions in `labels`.
    """
    values = labels.cpu().numpy()
    generator = np.random.default_rng(seed)
    # The k-th example of a class, counted from 0 in random order, comes at (k + 1/2) / class size:
    # before any moment t of 0..1, each class has had round(t * class size) turns.
    moments = np.empty(len(values))
    for value in np.unique(values):
        members = generator.permutation(np.flatnonzero(values == value))
        moments[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = np.lexsort((generator.random(len(values)), moments))
    return torch.from_numpy(order[:size].astype(np.int64))


def _split_examples(codes: Ints, fraction: float, seed: int) -> NDArray[np.bool_]:
    counts = np.bincount(codes)
    common = np.flatnonzero((counts * fraction >= 1.0)[codes])
    size, classes = math.ceil(fraction * len(common)), len(np.unique(codes[common]))
    if classes == 0 or min(size, len(common) - size) < classes:
        raise DataError(
            f"cannot validate on {fraction:g} of {len(codes)} examples of {len(counts)} classes: "
            "both parts need at least one example per class. Choose another validation_split."
        )
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=size, random_state=seed)
    _, chosen = next(splitter.split(np.zeros(len(common)), codes[common]))
    validates = np.zeros(len(codes), dtype=bool)
    validates[common[chosen]] = True
    return validates


def _choose_groups(
    counts: Ints, fraction: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Decide for each group whether it validates; `counts` is examples by [group, class].

    Classes in few groups choose first: those in many can make up for what is already decided.
    """
    validates = np.zeros(len(counts), dtype=bool)
    decided = np.zeros(len(counts), dtype=bool)
    for column in np.argsort((counts > 0).sum(axis=0), kind="stable"):
        of_class = counts[:, column]
        present = generator.permutation(np.flatnonzero(of_class))
        undecided = present[~decided[present]]
        target = fraction * of_class.sum()
        so_far = of_class[validates].sum()
        # One group is kept back for the training part where none of this class is there yet.
        last = len(undecided) if (decided & ~validates)[present].any() else len(undecided) - 1
        for group in undecided[: max(last, 0)]:
            more = so_far + of_class[group]
            if so_far == 0 or abs(more - target) < abs(so_far - target):
                validates[group], so_far = True, more
        decided[present] = True
    return validates


def _check_divisible(groups: Ints, classes: Ints) -> None:
    """Raise DataError where a class has fewer than two groups."""
    few = classes[groups < _PARTS]
    if len(few):
        raise DataError(
            f"cannot split classes {_listing(few)}: expected at least {_PARTS} groups of each, "
            "so that one trains and one validates. Remove these classes or add examples."
        )


def _check_both_sides(codes: Ints, validates: NDArray[np.bool_], classes: Ints) -> None:
    """Raise DataError where a class is in one part only."""
    one_sided = classes[
        [len(np.unique(validates[codes == code])) < _PARTS for code in range(len(classes))]
    ]
    if len(one_sided):
        raise DataError(
            f"the split leaves classes {_listing(one_sided)} in one part only. Choose another "
            "validation_split or another seed."
        )


def _listing(labels: Ints) -> str:
    names = ", ".join(str(label) for label in labels[:_LISTED])
    more = len(labels) - _LISTED
    return f"{names} and {more} more" if more > 0 else names
