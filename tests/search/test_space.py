from __future__ import annotations

import pytest

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.space import Constraint, Parameter, SearchSpace, When


def depth_and_pool(values):
    """Pooling by `pool` once a layer fits 9 pixels: 3 layers of 2, or 2 layers of 3."""
    deepest = {2: 3, 3: 2}[values["pool"]]
    return None if values["depth"] <= deepest else f"at most {deepest} layers"


SPACE = SearchSpace(
    family="toy",
    parameters=(
        Parameter("depth", Int(1, 4), 4, "Layers."),
        Parameter("pool", Choice((2, 3)), 3, "Pooling."),
        Parameter("optimizer", Choice(("adam", "sgd")), "adam", "Optimiser."),
        Parameter(
            "momentum",
            Float(0.8, 0.99),
            0.9,
            "Momentum.",
            allowed=Float(0.0, 0.999),
            when=When("optimizer", ("sgd",)),
        ),
    ),
    constraint=Constraint(("depth", "pool"), depth_and_pool),
)


class Script:
    """Suggests what it is told to, and records what it was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, {}

    def suggest_int(self, name, low, high, *, log=False):
        self.asked[name] = (low, high, log)
        return self.answers[name]

    suggest_float = suggest_int

    def suggest_categorical(self, name, choices):
        self.asked[name] = choices
        return self.answers[name]


def test_sample_suggests_only_what_can_exist():
    script = Script(depth=2, pool=3, optimizer="sgd", momentum=0.95)

    values = SPACE.sample(script, {})

    assert values == {"depth": 2, "pool": 3, "optimizer": "sgd", "momentum": 0.95}
    assert script.asked == {
        "depth": (1, 3, False),  # 4 fits with no pooling at all
        "pool": (2, 3),
        "optimizer": ("adam", "sgd"),
        "momentum": (0.8, 0.99, False),
    }


def test_sample_records_but_does_not_suggest_the_only_option_left():
    script = Script(depth=3, optimizer="adam")

    values = SPACE.sample(script, {})

    assert values == {"depth": 3, "pool": 2, "optimizer": "adam"}
    assert "pool" not in script.asked


def test_sample_restricts_earlier_choices_to_what_a_later_fixed_value_allows():
    script = Script(depth=1, optimizer="adam")

    values = SPACE.sample(script, {"pool": 3})

    assert values == {"depth": 1, "pool": 3, "optimizer": "adam"}
    assert script.asked["depth"] == (1, 2, False)


def test_sample_leaves_out_a_fixed_value_where_it_is_inactive():
    adam = SPACE.sample(Script(depth=1, pool=2, optimizer="adam"), {"momentum": 0.5})
    sgd = SPACE.sample(Script(depth=1, pool=2, optimizer="sgd"), {"momentum": 0.5})

    assert "momentum" not in adam
    assert sgd["momentum"] == 0.5


def test_defaults_are_the_nearest_that_can_exist():
    assert SPACE.defaults({}) == {"depth": 3, "pool": 2, "optimizer": "adam"}
    assert SPACE.defaults({"pool": 3})["depth"] == 2
    assert SPACE.defaults({"depth": 1}) == {"depth": 1, "pool": 3, "optimizer": "adam"}
    assert SPACE.defaults({"optimizer": "sgd"})["momentum"] == 0.9


def test_check_fixed_converts_text_and_accepts_more_than_is_searched():
    assert SPACE.check_fixed({"depth": "2", "momentum": "0"}) == {"depth": 2, "momentum": 0.0}


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"depth": 5}, "depth: expected a whole number from 1 to 4, got 5."),
        (
            {"optimizer": "adam", "momentum": 0.9},
            "momentum: expected no value unless optimizer is sgd, got 0.9. "
            "Leave out momentum, or change optimizer.",
        ),
        (
            {"pool": "3", "depth": 3},
            "depth, pool: expected values that fit together, got {'depth': 3, 'pool': 3}. "
            "at most 2 layers",
        ),
        (
            {"depth": 4},
            "depth: expected values that fit together, got {'depth': 4}. at most 3 layers",
        ),
    ],
    ids=["value", "inactive", "combination", "no-completion"],
)
def test_check_fixed_says_what_is_impossible(fixed, message):
    with pytest.raises(InvalidValueError) as error:
        SPACE.check_fixed(fixed)

    assert str(error.value) == message


def test_check_fixed_names_the_nearest_hyperparameter():
    with pytest.raises(UnknownNameError, match="Did you mean 'depth'"):
        SPACE.check_fixed({"dept": 3})


def test_check_complete_accepts_what_was_sampled():
    values = SPACE.defaults({"optimizer": "sgd"})

    assert SPACE.check_complete(values) == values


@pytest.mark.parametrize("missing", ["pool", "momentum"])
def test_check_complete_names_a_missing_value(missing):
    values = SPACE.defaults({"optimizer": "sgd"})
    del values[missing]

    with pytest.raises(InvalidValueError, match=rf"^{missing}: .* It has no value"):
        SPACE.check_complete(values)


def test_check_complete_refuses_a_value_without_use():
    with pytest.raises(InvalidValueError, match="unless optimizer is sgd"):
        SPACE.check_complete({**SPACE.defaults({}), "momentum": 0.9})


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter("pool", Choice((2, 3, 4)), 2, "Three options could leave two."),
        Parameter("pool", Choice((2, 3)), 2, "Not always there.", when=When("depth", (1,))),
    ],
    ids=["three-options", "conditional"],
)
def test_space_refuses_a_constraint_that_could_leave_some_options(parameter):
    with pytest.raises(ValueError, match="pool: expected a constrained choice of two"):
        SearchSpace("toy", (SPACE.parameters[0], parameter), SPACE.constraint)
