from __future__ import annotations

import pytest
import torch

from hpo_torch.data.splits import stratified_sample, stratified_split
from hpo_torch.errors import DataError


def labels_of(*counts: int) -> torch.Tensor:
    """Return counts[c] examples of each class c, mixed."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]


def test_stratified_split_takes_the_exact_share_of_every_class():
    labels = labels_of(500, 300, 10)
    split = stratified_split(labels, 0.2, seed=3)
    assert torch.bincount(labels[split.validation]).tolist() == [100, 60, 2]
    assert torch.bincount(labels[split.train]).tolist() == [400, 240, 8]


def test_stratified_split_is_off_by_less_than_one_where_shares_are_fractions():
    labels = labels_of(37, 23, 11, 6)
    split = stratified_split(labels, 0.3, seed=0)
    assert len(split.validation) == 24  # ceil(0.3 * 77)
    wanted = 24 / 77 * torch.bincount(labels)
    assert (torch.bincount(labels[split.validation]) - wanted).abs().max() < 1


@pytest.mark.parametrize("groups", [None, torch.arange(100) // 5], ids=["examples", "groups"])
def test_stratified_split_covers_all_once_in_ascending_order(groups: torch.Tensor | None):
    labels = torch.arange(100) // 50
    split = stratified_split(labels, 0.2, seed=5, groups=groups)
    for part in (split.train, split.validation):
        assert part.dtype == torch.int64
        assert part.tolist() == sorted(part.tolist())
    together = torch.cat((split.train, split.validation))
    assert sorted(together.tolist()) == list(range(100))


@pytest.mark.parametrize("groups", [None, torch.arange(100) // 5], ids=["examples", "groups"])
def test_stratified_split_depends_on_its_seed_only(groups: torch.Tensor | None):
    labels = torch.arange(100) // 50
    one = stratified_split(labels, 0.2, seed=5, groups=groups)
    torch.manual_seed(99)
    same = stratified_split(labels, 0.2, seed=5, groups=groups)
    other = stratified_split(labels, 0.2, seed=6, groups=groups)
    assert torch.equal(one.validation, same.validation)
    assert not torch.equal(one.validation, other.validation)


def test_stratified_split_keeps_groups_whole_and_shares_exact():
    # Like a set of video tracks: groups of 30 images of one class, 5, 10 and 40 of them.
    groups = torch.arange(55 * 30) // 30
    labels = torch.where(groups < 5, 0, torch.where(groups < 15, 1, 2))
    split = stratified_split(labels, 0.2, seed=0, groups=groups)
    assert not set(groups[split.train].tolist()) & set(groups[split.validation].tolist())
    assert torch.bincount(labels[split.validation]).tolist() == [30, 60, 240]


def test_stratified_split_keeps_groups_of_several_classes_whole():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (2000,), generator=generator)
    groups = torch.randint(0, 100, (2000,), generator=generator)
    split = stratified_split(labels, 0.25, seed=1, groups=groups)
    assert not set(groups[split.train].tolist()) & set(groups[split.validation].tolist())
    shares = torch.bincount(labels[split.validation]) / torch.bincount(labels)
    assert (shares - 0.25).abs().max() < 0.03


def test_stratified_split_of_two_groups_a_class_puts_one_on_each_side():
    labels, groups = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    for fraction in (0.1, 0.5, 0.9):
        split = stratified_split(labels, fraction, seed=0, groups=groups)
        assert torch.bincount(labels[split.validation]).tolist() == [2, 2]


def test_stratified_split_lets_a_rare_class_train_only():
    labels = labels_of(60, 40, 1, 4)  # a fifth of 1 or of 4 is less than one example
    split = stratified_split(labels, 0.2, seed=0)
    assert torch.bincount(labels[split.train], minlength=4).tolist() == [48, 32, 1, 4]
    assert torch.bincount(labels[split.validation], minlength=4).tolist() == [12, 8, 0, 0]


def test_stratified_split_refuses_a_class_in_one_group():
    labels, groups = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 0, 1, 2, 2, 2])
    with pytest.raises(DataError, match="classes 1: expected at least 2 groups of each"):
        stratified_split(labels, 0.5, seed=0, groups=groups)


def test_stratified_split_refuses_groups_that_leave_a_class_on_one_side():
    labels = torch.tensor([0, 1, 1, 2, 2, 0])
    groups = torch.tensor([0, 0, 1, 1, 2, 2])
    # Three groups in a ring, neighbours share a class: two of them are on one side, whatever is
    # chosen, and the class that they share is there only.
    with pytest.raises(DataError, match="in one part only"):
        stratified_split(labels, 0.5, seed=0, groups=groups)


def test_stratified_split_refuses_a_part_smaller_than_the_number_of_classes():
    with pytest.raises(DataError, match=r"0\.01 of 100 examples of 10 classes"):
        stratified_split(torch.arange(100) % 10, 0.01, seed=0)


def test_stratified_sample_has_every_class_share():
    labels = labels_of(600, 300, 100)
    chosen = stratified_sample(labels, 100, seed=0)
    assert torch.bincount(labels[chosen]).tolist() == [60, 30, 10]
    assert len(set(chosen.tolist())) == 100


def test_stratified_sample_prefixes_are_stratified_samples():
    labels = labels_of(600, 300, 100)
    chosen = stratified_sample(labels, 1000, seed=0)
    assert torch.equal(stratified_sample(labels, 50, seed=0), chosen[:50])
    for size in range(1, 1001):
        counts = torch.bincount(labels[chosen[:size]], minlength=3)
        # half a turn for rounding, and one for classes whose moments coincide
        assert (counts - size * torch.tensor([0.6, 0.3, 0.1])).abs().max() <= 1.5


def test_stratified_sample_returns_all_if_there_are_fewer():
    chosen = stratified_sample(labels_of(3, 4), 100, seed=0)
    assert chosen.dtype == torch.int64
    assert sorted(chosen.tolist()) == list(range(7))


def test_stratified_sample_depends_on_its_seed_only():
    labels = labels_of(50, 50)
    assert torch.equal(stratified_sample(labels, 9, 1), stratified_sample(labels, 9, 1))
    assert not torch.equal(stratified_sample(labels, 9, 1), stratified_sample(labels, 9, 2))
