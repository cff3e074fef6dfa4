from __future__ import annotations

import json


def rows(result):
    return {row["name"]: row for row in json.loads(result.out)["hyperparameters"]}


def test_space_shows_what_is_searched(cli):
    found = rows(cli("space", "--dataset", "gtsrb", "--json"))
    assert found["learning_rate"]["searched"] == "a number from 0.0001 to 0.03, logarithmic"
    assert found["momentum"]["when"] == "optimizer is sgd"
    assert found["filters"]["may_be_fixed_at"] == "a whole number from 1 to 1024"
    table = cli("space", "--dataset", "gtsrb").out
    assert all(name in table for name in found)
    assert "Only where optimizer is sgd." in table


def test_space_shows_changes_and_fixed_values(cli):
    options = ("--set", "search.space.cnn.filters.choices=[16, 64]", "--fix", "optimizer=sgd")
    found = rows(cli("space", *options, "--json"))
    assert (found["filters"]["searched"], found["filters"]["default"]) == ("one of 16, 64", 16)
    assert found["optimizer"]["searched"] == "fixed at sgd"


def test_space_of_a_family_takes_data_that_it_learns(cli):
    shown = json.loads(cli("space", "--family", "lstm", "--json").out)
    assert shown["family"] == "lstm"
    assert shown["hyperparameters"][0]["name"] == "vocab_size"


def test_space_of_own_data_is_an_error(cli):
    result = cli("space", "--dataset", "folder")
    assert result.code == 2
    assert "depends on your own files" in result.err


def test_impossible_change_is_one_line(cli):
    result = cli("space", "--set", "search.space.cnn.filters.choices=[0]")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "search.space.cnn.filters.choices: expected a whole number" in result.err
