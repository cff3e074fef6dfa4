"""A test part for sets that come without one: fixed, and with a share of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEST_SHARE = 0.2
_SEED = 0  # fixed for good: another seed is another test set
_KEPT = 2  # of a class, for training and validation


def fixed_test_part(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool [N]: the test part, a fifth of each class, rounded; the same at every call.

    At least two examples of a class stay outside, so that a class of two has none inside.

    Args:
        labels: int64 [N].
    """
    inside = np.zeros(len(labels), dtype=bool)
    generator = np.random.default_rng(_SEED)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        size = min(round(TEST_SHARE * len(members)), max(len(members) - _KEPT, 0))
        inside[members[:size]] = True
    return inside
