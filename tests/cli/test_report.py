from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.plots.draw import PICTURES
from hpo_torch.results.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    made = RunDirectory.create(tmp_path / "runs", "new")
    made.write_config(RunConfig())
    return made


def test_report_of_a_run_that_has_just_begun(cli, run):
    result = cli("report", "new")
    assert (result.code, result.err) == (0, "")
    assert result.out.strip() == "runs/new/report.html"
    text = run.report.read_text("utf-8")
    absent = text[text.index("Not drawn") : text.index('id="trials"')]
    assert absent.count("<li>") == len(PICTURES)
    assert not run.plots_dir.exists()


def test_report_goes_where_it_is_told(cli, run, tmp_path):
    assert cli("report", "new", "-o", "page.html").code == 0
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert not run.report.exists()


def test_report_that_cannot_be_is_one_message(cli, run, tmp_path):
    unknown = cli("report", "nev")
    assert unknown.code == 2
    assert "Did you mean 'new'?" in unknown.err
    folder = cli("report", "new", "-o", str(tmp_path))
    assert folder.code == 2
    assert "--output: expected a file to write" in folder.err
