from __future__ import annotations

import json


def test_samplers_tell_their_options(cli):
    rows = {row["name"]: row for row in json.loads(cli("samplers", "--json").out)}
    assert list(rows) == ["tpe", "random", "gp", "cmaes", "nsga2", "grid", "qmc"]
    assert rows["random"]["options"] == []
    assert rows["grid"]["options"][0] == {
        "name": "points",
        "type": "whole number",
        "default": 3,
        "required": False,
        "description": "values of each range, both ends included; short ranges of whole numbers "
        "are taken in full",
    }


def test_one_methods_options_are_explained(cli):
    table = cli("pruners", "threshold").out
    assert "search.pruner_options.OPTION=VALUE" in table
    assert "scores below it are pruned" in table
    assert "required" in table
    assert json.loads(cli("pruners", "threshold", "--json").out)["name"] == "threshold"


def test_unknown_method_suggests_the_nearest(cli):
    result = cli("samplers", "cma-es")
    assert result.code == 2
    assert "Did you mean 'cmaes'?" in result.err
