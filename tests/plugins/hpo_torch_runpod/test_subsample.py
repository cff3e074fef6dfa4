from __future__ import annotations

import numpy as np
import pytest

from hpo_torch_runpod.subsample import fewest_per_class, subsample

COMMON_AND_RARE = np.array([0] * 800 + [1] * 195 + [2] * 5)


@pytest.mark.parametrize(("share", "fewest"), [(0.2, 5), (0.5, 2), (0.1, 10), (0.9, 10)])
def test_fewest_examples_leave_one_on_each_side(share: float, fewest: int):
    assert fewest_per_class(share) == fewest


def test_every_class_keeps_its_share():
    chosen = subsample(COMMON_AND_RARE, None, 200, 1)
    # 200 of 1,000: 160, 39 and 1
    assert np.bincount(COMMON_AND_RARE[chosen]).tolist() == [160, 39, 1]
    assert (np.diff(chosen) > 0).all()


def test_it_is_not_simply_the_first():
    chosen = subsample(COMMON_AND_RARE, None, 200, 1)
    assert chosen[:160].max() > 700
    assert not np.array_equal(chosen[:160], np.arange(160))


def test_the_same_data_give_the_same_part_and_larger_parts_hold_smaller_ones():
    small, large = (subsample(COMMON_AND_RARE, None, size, 2) for size in (100, 300))
    assert np.array_equal(small, subsample(COMMON_AND_RARE, None, 100, 2))
    assert set(small.tolist()) < set(large.tolist())


def test_rare_classes_keep_what_a_split_needs_even_beyond_the_size():
    chosen = subsample(COMMON_AND_RARE, None, 10, 5)
    assert np.bincount(COMMON_AND_RARE[chosen]).tolist() == [5, 5, 5]


def test_a_class_of_fewer_examples_is_kept_whole():
    labels = np.array([0] * 90 + [1] * 3)
    chosen = subsample(labels, None, 10, 5)
    assert np.flatnonzero(labels == 1).tolist() == chosen[labels[chosen] == 1].tolist()


def test_groups_stay_together_and_each_class_keeps_two():
    # 40 groups of 10; class 2 has two groups only
    groups = np.repeat(np.arange(40) * 7, 10)
    labels = np.repeat([0] * 30 + [1] * 8 + [2] * 2, 10)
    chosen = subsample(labels, groups, 100, 2)
    kept = np.unique(groups[chosen])
    assert sorted(chosen.tolist()) == np.flatnonzero(np.isin(groups, kept)).tolist()
    assert len(chosen) == 100
    of_class = [len(np.unique(groups[chosen][labels[chosen] == code])) for code in range(3)]
    assert of_class[2] == 2
    assert min(of_class) >= 2
    assert sum(of_class) == 10


def test_groups_of_several_classes_keep_two_groups_of_each():
    groups = np.repeat(np.arange(20), 5)
    labels = np.where(np.arange(100) % 5 == 0, np.arange(100) // 5 % 2 + 1, 0)
    chosen = subsample(labels, groups, 5, 2)
    for code in range(3):
        assert len(np.unique(groups[chosen][labels[chosen] == code])) >= 2
