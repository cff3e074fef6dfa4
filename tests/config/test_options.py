from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from hpo_torch.cli.optimize import optimize
from hpo_torch.config.load import settings_fields
from hpo_torch.config.options import MAPPINGS, OPTIONS, option_values
from hpo_torch.errors import InvalidValueError, UnknownNameError

# What decides where settings come from, and how they are shown; no setting of its own.
COMMAND_LINE_ONLY = {"preset", "config", "set", "as_json", "quiet"}


def test_command_line_and_python_have_the_same_options():
    parameters = {name.rstrip("_") for name in inspect.signature(optimize).parameters}
    assert parameters - COMMAND_LINE_ONLY == set(OPTIONS)


def test_every_option_stands_for_settings_that_there_are():
    fields = settings_fields()
    assert [name for names in OPTIONS.values() for name in names if name not in fields] == []
    assert {fields[OPTIONS[name][0]].annotation.__name__ for name in MAPPINGS} == {"dict"}


def test_option_values_are_settings_and_none_is_not_given():
    assert option_values({"trials": 5, "mode": None, "data_dir": Path("a/b")}) == {
        "search.trials": 5,
        "data.dir": str(Path("a/b")),
    }


def test_epochs_are_over_fewest_and_most_whatever_the_order():
    given = {"epochs": 3, "min_epochs": 1, "max_epochs": 9}
    assert option_values(given) == {"search.min_epochs": 3, "search.max_epochs": 3}


def test_mappings_set_their_entries_only():
    given = {"fix": {"filters": 32}, "health_weights": {"rank": 0.5}}
    assert option_values(given) == {"search.fix.filters": 32, "health.weights.rank": 0.5}
    with pytest.raises(InvalidValueError, match="fix: expected a mapping"):
        option_values({"fix": "filters=32"})


def test_unknown_option_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"option 'trails'\. Did you mean 'trials'\?"):
        option_values({"trails": 5})
