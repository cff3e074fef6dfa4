from __future__ import annotations

import json

import pytest

from hpo_torch.config.load import Layer, resolve_config
from hpo_torch.errors import UsageError
from hpo_torch.study.agreement import check_agreement, settings_that_matter


def settings(**values):
    named = {name.replace("__", "."): value for name, value in values.items()}
    return settings_that_matter(resolve_config([Layer("test", named)]).config)


def test_engines_may_differ_in_what_belongs_to_their_machines():
    theirs = settings(data__dir="/a", search__trials=5, execution__jobs=4, output__name="x")
    check_agreement("x", settings(search__timeout=9.0, execution__device="cpu"), theirs)


def test_check_agreement_names_every_setting_that_differs_with_both_values():
    theirs = settings(data__dataset="mnist", search__seed=1, search__fix={"filters": 8})
    ours = settings(data__dataset="digits", search__seed=1)
    with pytest.raises(UsageError, match=r"^study 'x' in the database was begun with") as info:
        check_agreement("x", ours, theirs)
    message = str(info.value)
    assert "data.dataset is 'mnist' there and 'digits' here" in message
    assert "search.fix.filters is 8 there and not set here" in message
    assert "seed" not in message


def test_settings_that_matter_survive_json():
    given = settings(search__space={"cnn": {"filters": {"choices": [8, 16]}}})
    check_agreement("x", given, json.loads(json.dumps(given)))
