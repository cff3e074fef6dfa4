"""What a data set says by default is written down in the run's settings."""

from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import UnknownNameError
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.study.plan import with_data_defaults


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"dataset": "digits"}, 0.2),
        ({"dataset": "gtsrb"}, 0.1),  # few physical signs: what is held out is missed
        ({"dataset": "gtsrb", "validation_split": 0.3}, 0.3),
    ],
)
def test_share_that_validates_is_the_users_or_the_data_sets(given, expected):
    config = RunConfig.model_validate({"data": given})
    assert with_data_defaults(config, installed_registry()).data.validation_split == expected


@pytest.mark.parametrize(
    ("dataset", "search", "expected"),
    [("digits", {}, None), ("gtsrb", {}, 2.0), ("gtsrb", {"max_compute": 5.0}, 5.0)],
)
def test_costliest_network_is_the_users_or_the_data_sets(dataset, search, expected):
    config = RunConfig.model_validate({"data": {"dataset": dataset}, "search": search})
    assert with_data_defaults(config, installed_registry()).search.max_compute == expected


def test_unknown_data_set_is_named_with_the_nearest():
    config = RunConfig.model_validate({"data": {"dataset": "gtsrp"}})
    with pytest.raises(UnknownNameError, match="Did you mean 'gtsrb'"):
        with_data_defaults(config, installed_registry())
