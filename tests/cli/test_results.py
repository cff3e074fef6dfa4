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


def test_runs_are_filtered_sorted_and_cut(cli, tmp_path):
    for name, dataset in (("a", "digits"), ("b", "mnist"), ("c", "mnist")):
        make_run(tmp_path / "runs", name)
        (tmp_path / "runs" / name / "config.yaml").write_text(f"data: {{dataset: {dataset}}}\n")
    assert listed(cli("runs", "--json", "--dataset", "mnist")) == ["b", "c"]
    assert listed(cli("runs", "--json", "--reverse")) == ["c", "b", "a"]
    assert listed(cli("runs", "--json", "--reverse", "--limit", "1")) == ["c"]
    assert listed(cli("runs", "--json", "--state", "finished")) == []
    assert "none of the 3 runs" in cli("runs", "--state", "finished").err
    assert cli("runs", "--sort", "size").code == 2


def test_piped_table_is_as_wide_as_its_content(cli, tmp_path, monkeypatch):
    name = "2026-11-25T10-20-03_fashion_mnist_constrained-val_accuracy"
    make_run(tmp_path / "runs", name)
    monkeypatch.setenv("COLUMNS", "40")
    assert name in cli("runs").out


def test_show_of_a_name_longer_than_names_can_be_is_an_unknown_run(cli, tmp_path):
    make_run(tmp_path / "runs", "here")
    for name in ("x" * 300, f"runs/{'x' * 300}", f"{'x' * 300}/run"):
        done = cli("show", name)
        assert (done.code, "unknown run '" in done.err, "Traceback" in done.err) == (2, True, False)
