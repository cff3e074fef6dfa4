from __future__ import annotations

import numpy as np
import pytest

from hpo_torch_vision.holdout import fixed_test_part


@pytest.mark.parametrize(
    ("size", "inside"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1), (8, 2), (10, 2), (100, 20)]
)
def test_fixed_test_part_is_a_fifth_and_leaves_two(size: int, inside: int):
    assert fixed_test_part(np.zeros(size, np.int64)).sum() == inside


def test_fixed_test_part_has_a_fifth_of_every_class_and_is_fixed():
    labels = np.array([0] * 50 + [1] * 10 + [3] * 5)
    mask = fixed_test_part(labels)
    assert np.bincount(labels[mask]).tolist() == [10, 2, 0, 1]
    np.random.seed(1)
    np.testing.assert_array_equal(fixed_test_part(labels), mask)
    # Another list here means another test set: results before and after cannot be compared.
    assert np.flatnonzero(mask)[-3:].tolist() == [57, 58, 62]
