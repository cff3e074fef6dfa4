from __future__ import annotations

import json

import pytest


def test_datasets_list_names_the_embedded_and_the_real_sets(cli):
    rows = {row["name"]: row for row in json.loads(cli("datasets", "list", "--json").out)}
    assert rows["digits"]["classes"] == 10
    assert rows["mnist"]["training_examples"] == 60_000
    assert rows["mnist"]["test_examples"] == 10_000
    assert rows["fashion_mnist"]["plugin"] == "hpo_torch_vision"


def test_datasets_show_is_the_row_of_the_list(cli):
    listed = json.loads(cli("datasets", "list", "--json").out)
    shown = json.loads(cli("datasets", "show", "digits", "--json").out)
    assert shown in listed


def test_datasets_show_suggests_the_nearest_name(cli):
    result = cli("datasets", "show", "fashion-mnist")
    assert result.code == 2
    assert "Did you mean 'fashion_mnist'?" in result.err


def test_plugins_list_says_what_each_adds(cli):
    rows = {row["name"]: row for row in json.loads(cli("plugins", "list", "--json").out)}
    assert rows["hpo_torch_local"]["adds"] == {"backends": ["in_process", "local"]}
    assert rows["hpo_torch_vision"]["status"] == "loaded"
    assert rows["hpo_torch_health"]["distribution"] == "hpo-torch"


def test_objectives_say_in_which_mode_they_work(cli):
    listed = json.loads(cli("objectives", "--json").out)
    rows = {row["name"]: row["modes"] for row in listed}
    assert rows["val_accuracy"] == "all"
    assert rows["overall_health"] == "health"
    assert {row["plugin"] for row in listed} == {"hpo_torch_health"}
    assert len(rows) == 10


def test_modes_and_backends(cli):
    modes = [row["name"] for row in json.loads(cli("modes", "--json").out)]
    backends = [row["name"] for row in json.loads(cli("backends", "list", "--json").out)]
    assert modes == ["simple", "health", "constrained", "pareto"]
    assert {"local", "in_process"} <= set(backends)


@pytest.mark.parametrize(
    "command",
    [
        "datasets list",
        "plugins list",
        "backends list",
        "objectives",
        "modes",
        "samplers",
        "pruners",
        "config presets",
    ],
)
def test_table_holds_every_name_of_the_json(cli, command):
    names = [row["name"] for row in json.loads(cli(*command.split(), "--json").out)]
    table = cli(*command.split()).out
    assert names
    assert all(name in table for name in names)
