from __future__ import annotations

import math

import pytest

from hpo_torch.health.alarms import Alarms, broken_gradients
from hpo_torch.testing.fake_training import fake_metrics

DEAD = "all 8 units of activation 'a' are dead"
BASELINE = 0.5


def epochs(*accuracies):
    return [
        fake_metrics(number).model_copy(update={"val_accuracy": accuracy})
        for number, accuracy in enumerate(accuracies, start=1)
    ]


def verdicts(raised, accuracies):
    """What each epoch is said to be, with no gradient norms."""
    alarms, seen = Alarms(BASELINE), epochs(*accuracies)
    return [alarms.judge(words, [], seen[:n]) for n, words in enumerate(raised, start=1)]


def test_what_is_broken_twice_without_skill_is_hopeless():
    first, second = verdicts([[DEAD], [DEAD]], [0.5, 0.5])
    assert first is None
    assert second == (
        f"{DEAD}: so in epochs 1 and 2, with a validation accuracy of 0.500 (majority class: 0.500)"
    )


@pytest.mark.parametrize(
    ("raised", "accuracies"),
    [
        pytest.param([[DEAD], []], [0.5, 0.5], id="recovered"),
        pytest.param(
            [[DEAD], ["all 4 units of activation 'b' are dead"]], [0.5, 0.5], id="another"
        ),
        pytest.param([[], []], [0.5, 0.5], id="no skill alone"),
        pytest.param([[DEAD], [DEAD]], [0.5, 0.51], id="still improving"),
        pytest.param([[DEAD], [DEAD]], [0.9, 0.9], id="skilled: 0.9 of 0.5 is 0.8"),
        pytest.param([[DEAD], [DEAD]], [0.56, 0.5], id="skilled an epoch ago: 0.12"),
    ],
)
def test_anything_less_goes_on(raised, accuracies):
    assert verdicts(raised, accuracies) == [None, None]


def test_what_was_learnt_before_does_not_save_it():
    assert verdicts([[], [DEAD], [DEAD]], [0.9, 0.5, 0.5])[2] is not None


USUAL = [1.0] * 12


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([101.0, 101.0, 1.0], [500.0], "most sampled gradients are over 100 times"),
        ([math.inf, 101.0, 1.0], [math.nan, 101.0, 1.0], "most sampled gradients are over 100"),
        ([math.inf, math.nan, 1.0], [math.inf], "most sampled gradients are not finite"),
        ([99.0] * 3, [99.0] * 3, None),
        ([101.0] * 3, [1.0] * 3, None),
        ([101.0, 1.0], [101.0, 1.0], None),  # half is not most
        ([], [], None),
    ],
)
def test_gradients_are_broken_if_most_of_two_epochs_are(first, second, words):
    ends = [0, len(USUAL), len(USUAL) + len(first), len(USUAL) + len(first) + len(second)]
    found = broken_gradients([*USUAL, *first, *second], ends)
    assert found == [] if words is None else (len(found) == 1 and found[0].startswith(words))


def test_explosions_need_ten_norms_to_compare_with_and_what_is_not_finite_none():
    assert broken_gradients([1.0] * 9 + [500.0, 500.0], [0, 9, 10, 11]) == []
    assert broken_gradients([math.inf, math.inf], [0, 1, 2]) != []
    assert broken_gradients([math.inf], [0, 1]) == []


def test_an_explosion_is_compared_with_what_was_before_it():
    """With as many exploded norms as usual ones, a median over all would no longer tell."""
    norms = [1.0] * 10 + [500.0] * 10
    alarms, seen = Alarms(BASELINE), epochs(0.5, 0.5, 0.5)
    found = [alarms.judge([], norms[:n], seen[: i + 1]) for i, n in enumerate((10, 15, 20))]
    assert found[:2] == [None, None]
    assert found[2].startswith("most sampled gradients are over 100 times their median before: so")


def test_judging_goes_on_from_a_stored_state():
    first, seen = Alarms(BASELINE), epochs(0.5, 0.5)
    first.judge([DEAD], [1.0], seen[:1])
    second = Alarms(BASELINE)
    second.load_state_dict(first.state_dict())
    assert second.judge([DEAD], [1.0, 1.0], seen) == first.judge([DEAD], [1.0, 1.0], seen)
    assert second.state_dict() == first.state_dict() == {"raised": [DEAD], "ends": [0, 1, 2]}
