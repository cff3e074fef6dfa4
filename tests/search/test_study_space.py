from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import InvalidValueError
from hpo_torch.search.study_space import study_space


def found(**search):
    config = RunConfig.model_validate({"search": search})
    return study_space(config, "cnn", input_shape=(1, 8, 8), examples=1_797, flips=False)


def test_one_value_is_fixed_and_fix_wins_over_it():
    change = {"cnn": {"filters": {"choices": [16]}}}
    assert found(space=change)[1] == {"filters": 16}
    assert found(space=change, fix={"filters": 64})[1] == {"filters": 64}


def test_one_value_of_what_cannot_exist_is_left_aside():
    change = {"cnn": {"momentum": {"choices": [0.9]}}}
    assert found(space=change)[1] == {"momentum": 0.9}
    assert found(space=change, fix={"optimizer": "adam"})[1] == {"optimizer": "adam"}


def test_space_without_any_network_is_refused():
    # 8x8 images: two poolings of 3 leave nothing of the third layer.
    change = {"cnn": {"conv_layers": {"low": 3, "high": 4}, "pool_size": {"choices": [3]}}}
    with pytest.raises(InvalidValueError, match=r"pool_size: .*too few"):
        found(space=change)
