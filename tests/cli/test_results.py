from __future__ import annotations

import json


def make_run(folder, name):
    (folder / name).mkdir(parents=True)
    (folder / name / "config.yaml").write_text("{}\n")


def listed(result):
    return [row["run"] for row in json.loads(result.out)]


def test_runs_are_looked_for_where_the_settings_say(cli, tmp_path, monkeypatch):
    make_run(tmp_path / "runs", "here")
    make_run(tmp_path / "elsewhere", "there")
    assert listed(cli("runs", "--json")) == ["here"]
    assert listed(cli("runs", "--json", "--output-dir", "elsewhere")) == ["there"]
    monkeypatch.setenv("HPO_TORCH_OUTPUT_DIR", "elsewhere")
    assert listed(cli("runs", "--json")) == ["there"]
    assert "The run has not ended" in cli("show", "there").out


def test_show_takes_a_path_or_a_name(cli, tmp_path):
    make_run(tmp_path / "runs", "here")
    assert "here" in cli("show", "runs/here").out
    assert "here" in cli("show", "here").out
    assert cli("show", "her").code == 2


def test_no_runs_says_how_to_start_one(cli):
    result = cli("runs")
    assert result.code == 0
    assert "hpo-torch optimize" in result.err
