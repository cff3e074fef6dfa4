from __future__ import annotations

import pytest

from hpo_torch.errors import InvalidValueError
from hpo_torch.search.domains import Choice, Int
from hpo_torch.search.pruner_options import AshaOptions, HyperbandOptions
from hpo_torch.search.rungs import bracket_resource, epoch_range, first_rung, resources
from hpo_torch.search.space import Parameter, SearchSpace


def space(domain):
    return SearchSpace("cnn", (Parameter("epochs", domain, 10, "Passes."),))


def test_epoch_range_is_what_is_searched_or_fixed():
    assert epoch_range(space(Int(5, 20)), {}) == (5, 20)
    assert epoch_range(space(Choice((30, 10))), {}) == (10, 30)
    assert epoch_range(space(Int(5, 20)), {"epochs": 7}) == (7, 7)


@pytest.mark.parametrize(
    ("fewest", "most", "factor", "rung"),
    [
        (5, 20, 3, 5),  # every trial reaches 5, and 15 follows
        (20, 20, 3, 6),  # 6 and 18: without a rung below 20 nothing would be stopped early
        (1, 20, 3, 2),  # the first epoch is not judged
        (1, 1, 3, 1),
    ],
)
def test_first_rung_leaves_room_for_another(fewest, most, factor, rung):
    assert first_rung(fewest, most, factor) == rung


@pytest.mark.parametrize(("high", "resource"), [(242, 242), (243, 244), (244, 244), (9, 9)])
def test_bracket_resource_repairs_whole_powers(high, resource):
    # log(243, 3) is 4.999... in floats: Optuna would leave out the bracket that starts at 243.
    assert bracket_resource(1, high, 3) == resource


def test_resources_are_the_given_ones_or_the_studys():
    assert resources(HyperbandOptions(), 5, 20) == (5, 20)
    assert resources(HyperbandOptions(min_resource=1, max_resource=9), 5, 20) == (1, 9)
    assert resources(AshaOptions(reduction_factor=4), 20, 20) == (5, 20)


def test_first_rung_that_no_trial_reaches_is_an_error():
    with pytest.raises(InvalidValueError, match=r"min_resource: expected at most 20, .* got 21"):
        resources(AshaOptions(min_resource=21), 5, 20)
