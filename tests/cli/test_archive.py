from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.run_directory import RunDirectory


@pytest.fixture(autouse=True)
def _run(tmp_path):
    RunDirectory.create(tmp_path / "runs", "one").write_config(RunConfig())


def test_exported_run_is_imported_elsewhere_and_shown(cli, tmp_path):
    done = cli("export", "one")
    assert (done.code, done.out) == (0, "one.zip: 1 files, 0.0 MB\n")
    done = cli("import", "one.zip", "--output-dir", "elsewhere", "--name", "again")
    assert (done.code, done.out.strip()) == (0, "elsewhere/again")
    before, after = tmp_path / "runs/one/config.yaml", tmp_path / "elsewhere/again/config.yaml"
    assert after.read_bytes() == before.read_bytes()
    assert cli("show", "elsewhere/again").code == 0


def test_import_over_a_run_is_refused_with_one_message(cli):
    cli("export", "one", "-o", "x.zip")
    result = cli("import", "x.zip")
    assert result.code == 5
    assert result.err.startswith("error: runs/one exists already")
    assert "Traceback" not in result.err


def test_a_folder_takes_the_file_under_the_runs_name(cli, tmp_path):
    (tmp_path / "backup").mkdir()
    done = cli("export", "one", "-o", "backup")
    assert (done.code, done.out) == (0, "backup/one.zip: 1 files, 0.0 MB\n")
    assert (tmp_path / "backup" / "one.zip").is_file()
