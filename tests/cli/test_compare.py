from __future__ import annotations

import json

import pytest

from hpo_torch.cli.compare import comparison_table
from hpo_torch.cli.console import BEST
from hpo_torch.config.schema import RunConfig
from hpo_torch.results.records import TestReport
from hpo_torch.results.run_comparison import compare_runs
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView


@pytest.fixture
def _two_runs(tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        run = RunDirectory.create(tmp_path / "runs", name)
        run.write_config(RunConfig.model_validate({"search": {"seed": seed}}))


@pytest.mark.usefixtures("_two_runs")
def test_table_has_a_column_for_each_run_and_what_differs(cli):
    result = cli("compare", "one", "two")
    assert result.code == 0
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["one", "two"]
    assert ["search.seed", "1", "2"] in lines
    assert "not finished: one, two" in result.out


@pytest.mark.usefixtures("_two_runs")
def test_json_and_picture(cli, tmp_path):
    result = cli("compare", "one", "two", "--json", "--plot", "c.svg")
    assert json.loads(result.out)["settings"] == {"search.seed": [1, 2]}
    assert "no trial has completed" not in result.err
    assert (tmp_path / "c.svg").read_text().count("<svg") == 1


@pytest.mark.usefixtures("_two_runs")
def test_other_pictures_than_can_be_drawn_are_refused(cli, tmp_path):
    result = cli("compare", "one", "--plot", "c.bmp")
    assert result.code == 2
    assert "ending in .png, .svg or .pdf" in result.err
    assert not (tmp_path / "c.bmp").exists()


@pytest.mark.usefixtures("_two_runs")
def test_unknown_run_is_named(cli):
    assert "Did you mean 'two'?" in cli("compare", "one", "twoo").err


@pytest.mark.parametrize(("folders", "marked"), [(("a", "a"), 1), (("a", "b"), 0)])
def test_the_better_is_marked_only_among_runs_of_the_same_own_data(tmp_path, folders, marked):
    views = []
    for number, folder in enumerate(folders):
        run = RunDirectory.create(tmp_path, f"run-{number}")
        data = {"dataset": "images", "path": folder}
        run.write_config(RunConfig.model_validate({"data": data}))
        report = TestReport.from_confusion([[8 + number, 2 - number], [0, 0]], ["a", "b"], 0.3)
        run.write_test_report(report)
        views.append(RunView(run))
    table = comparison_table(compare_runs(views))
    cells = [str(cell) for column in table.columns for cell in column.cells]
    assert cells.count(f"[{BEST}]0.9000[/]") == marked
    assert cells.count("0.9000") == 1 - marked
