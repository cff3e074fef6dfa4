from __future__ import annotations

import json

from hpo_torch.config.load import settings_fields


def settings(result):
    return {row["setting"]: (row["value"], row["origin"]) for row in json.loads(result.out)}


def test_config_show_lists_every_setting_with_its_origin(cli, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_DATA_DIR", "/data")
    shown = settings(
        cli("config", "show", "--preset", "mnist", "--set", "search.trials=3", "--json")
    )
    assert set(settings_fields()) - set(shown) == set()
    assert shown["data.dataset"] == ("mnist", "preset mnist")
    assert shown["data.dir"] == ("/data", "environment")
    assert shown["search.trials"] == (3, "command line")
    assert shown["training.patience"] == (5, "default")


def test_config_show_lists_fixed_hyperparameters_by_name(cli):
    shown = settings(cli("config", "show", "--set", "search.fix.filters=64", "--json"))
    assert shown["search.fix.filters"] == (64, "command line")
    assert "search.fix" not in shown


def test_config_show_yaml_is_a_configuration_file(cli, tmp_path):
    text = cli("config", "show", "--set", "search.trials=3", "--yaml").out
    (tmp_path / "mine.yaml").write_text(text)
    shown = settings(cli("config", "show", "--config", "mine.yaml", "--json"))
    assert shown["search.trials"] == (3, "file mine.yaml")


def test_config_show_table_is_not_cut_in_a_pipe(cli):
    longest = max(settings_fields(), key=len)
    assert longest in cli("config", "show").out
