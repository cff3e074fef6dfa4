from __future__ import annotations

from dataclasses import replace

import pytest

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.space_changes import change_space, nearest

SPACE = cnn_space((1, 28, 28), 1_400, 5, 20)


def changed(**changes):
    return change_space(SPACE, {"cnn": changes})


def parameter(name, change):
    return changed(**{name: change})[0].parameter(name)


def test_no_changes_leave_the_space_as_it_is():
    assert change_space(SPACE, {}) == (SPACE, {})
    assert change_space(SPACE, {"lstm": {"lstm_units": {"choices": [8]}}}) == (SPACE, {})


def test_space_is_narrowed_and_the_default_follows():
    found = parameter("filters", {"choices": [128, 256]})
    assert found.domain == Choice((128, 256))
    assert found.default == 128
    assert found.allowed == Int(1, 1024)


def test_space_is_widened_as_far_as_allowed():
    found = parameter("learning_rate", {"low": "1e-5", "high": 1})
    assert found.domain == Float(1e-5, 1.0, log=True)  # the scale stays unless it is changed
    assert parameter("learning_rate", {"high": 0.1}).domain == Float(1e-4, 0.1, log=True)


def test_choices_may_become_a_range_and_a_range_choices():
    assert parameter("filters", {"low": 8, "high": 64, "log": True}).domain == Int(8, 64, log=True)
    assert parameter("dropout", {"choices": [0, 0.25]}).domain == Choice((0.0, 0.25))


def test_names_are_extended():
    found = parameter("activation", {"choices": ["gelu", "relu"]})
    assert (found.domain, found.default) == (Choice(("gelu", "relu")), "relu")


def test_what_was_searched_may_still_be_fixed():
    space, _ = changed(conv_layers={"low": 2, "high": 3})
    assert space.check_fixed({"conv_layers": 4}) == {"conv_layers": 4}


def test_one_value_is_fixed():
    space, fixed = changed(kernel_size={"choices": [5]}, dropout={"low": 0.2, "high": 0.2})
    assert fixed == {"kernel_size": 5, "dropout": 0.2}
    assert space == SPACE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filters": {"choices": [0]}}, r"cnn.filters.choices: .*from 1 to 1024, got 0"),
        ({"filters": {"choices": []}}, "a list of at least one value, got "),
        ({"filters": {"choices": 16}}, "a list of at least one value, got 16"),
        ({"filters": {"choices": [16, 16]}}, "every value once"),
        ({"filters": {"low": 16}}, "both low and high"),
        ({"filters": {"choices": [16], "low": 1}}, r"either \{choices"),
        ({"filters": [16, 32]}, r"expected \{choices: \[...\]\} or \{low: x, high: y\}"),
        ({"dropout": {"low": 0.5, "high": 0.1}}, "low of at most high, got"),
        ({"dropout": {"log": True}}, "a number above 0 with log: true, got 0.0"),
        ({"dropout": {"log": 1}}, "dropout.log: expected true or false, got 1"),
        ({"activation": {"low": 1, "high": 2}}, r"expected \{choices: \[...\]\}.*relu"),
        ({"kernel_size": {"choices": [3, 5, 7]}}, "kernel_size.choices: expected one of 3, 5"),
        ({"conv_layers": {"choices": [1, 3]}}, r"conv_layers: expected \{low: x, high: y\}"),
        ({"conv_layers": {"low": 1, "high": 5}}, "conv_layers.high: .*from 1 to 4, got 5"),
    ],
)
def test_impossible_change_says_why(changes, message):
    with pytest.raises(InvalidValueError, match=message):
        changed(**changes)


def test_third_option_of_what_must_fit_together_is_refused():
    # SearchSpace implies the only option that is left; two left of three it cannot tell.
    pool = replace(SPACE.parameter("pool_size"), allowed=Int(2, 9))
    parameters = tuple(pool if p.name == "pool_size" else p for p in SPACE.parameters)
    space = replace(SPACE, parameters=parameters)
    with pytest.raises(InvalidValueError, match=r"one or two choices, got .*must fit together"):
        change_space(space, {"cnn": {"pool_size": {"choices": [2, 3, 4]}}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cnm": {}}, "Did you mean 'cnn'"),
        ({"cnn": {"filter": {"choices": [1]}}}, "Did you mean 'filters'"),
        ({"cnn": {"filters": {"choice": [1]}}}, "Did you mean 'choices'"),
    ],
)
def test_unknown_name_suggests_the_nearest(changes, message):
    with pytest.raises(UnknownNameError, match=message):
        change_space(SPACE, changes)


def test_nearest_is_inside():
    assert nearest(Int(2, 4), 9) == 4
    assert nearest(Float(0.1, 0.2), 0.0) == 0.1
    assert nearest(Choice((16, 64)), 30) == 16
    assert nearest(Choice(("a", "b")), "c") == "a"
    assert nearest(Choice((True,)), False) is True
