from __future__ import annotations

import pytest

from hpo_torch.results.comparison import UNEXPLAINED, Circumstances, compare
from hpo_torch.results.environment import Environment

HERE = Environment(
    system="Linux",
    python="3.11",
    cpu="a CPU",
    cores=2,
    memory_bytes=None,
    devices=["cpu (x86_64)"],
    packages={"torch": "2.14.1"},
)


def circumstances(**changes):
    values = {"device": "cpu (x86_64)", "precision": "32-true", "jobs": 1, "environment": HERE}
    return Circumstances(**(values | changes))


@pytest.fixture
def compared(make_trial):
    def go(after=None, then=None, now=None, weights=None, **before):
        return compare(
            make_trial(**before),
            make_trial(**(after or {})),
            then or circumstances(),
            now or circumstances(),
            weights,
        )

    return go


def test_compare_equal_trainings_are_equal_whatever_time_they_took(compared, make_epoch):
    slower = [make_epoch(1, seconds=9.0, health_seconds=1.0), make_epoch(2, seconds=8.0)]
    comparison = compared({"epochs": slower, "seconds": 99.0}, weights=True)
    assert comparison.equal is True
    assert comparison.reasons == []


@pytest.mark.parametrize("name", ["train_loss", "val_loss", "val_accuracy", "train_accuracy"])
def test_compare_sees_the_last_bit(compared, make_epoch, name):
    value = getattr(make_epoch(2), name)
    changed = [make_epoch(1), make_epoch(2, **{name: value + 2**-52})]
    comparison = compared({"epochs": changed})
    assert comparison.equal is False
    assert [pair.equal for pair in comparison.epochs] == [True, False]
    assert comparison.reasons == [UNEXPLAINED]


def test_compare_looks_at_the_epochs_that_a_pruned_trial_has(compared, make_epoch):
    comparison = compared(state="pruned", epochs=[make_epoch(1)])
    assert (comparison.equal, len(comparison.epochs)) == (True, 1)


def test_compare_completed_trainings_of_different_length_differ(compared, make_epoch):
    assert compared(epochs=[make_epoch(1)]).equal is False


def test_compare_without_epochs_compares_nothing(compared):
    assert compared(state="failed", epochs=[], score=None).equal is None


def test_compare_differing_weights_need_a_reason_too(compared):
    assert compared(weights=False).reasons == [UNEXPLAINED]


def test_reasons_name_every_known_difference_with_both_values(compared, make_epoch):
    there = HERE.model_copy(update={"packages": {"torch": "2.13.0"}, "cores": 8})
    comparison = compared(
        {"epochs": [make_epoch(1, val_loss=0.1)], "seed": 8},
        circumstances(device="NVIDIA H100", precision="bf16-mixed", jobs=2, environment=there),
    )
    assert comparison.reasons == [
        "seed: 7 then, 8 now",
        "device: NVIDIA H100 then, cpu (x86_64) now",
        "precision: bf16-mixed then, 32-true now",
        "trials at once, which divide the CPU's threads: 2 then, 1 now",
        "cores: 8 then, 2 now",
        "torch: 2.13.0 then, 2.14.1 now",
    ]


def test_reasons_say_that_the_environment_is_not_known(compared, make_epoch):
    comparison = compared(
        {"epochs": [make_epoch(1, val_loss=0.1)]}, circumstances(environment=None)
    )
    assert comparison.reasons == ["the machine and the versions that trained it are not known"]
