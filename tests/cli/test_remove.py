from __future__ import annotations

import sys

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock


@pytest.fixture
def runs(tmp_path):
    made = [RunDirectory.create(tmp_path / "runs", name) for name in ("one", "two")]
    for run in made:
        run.write_config(RunConfig())
    return [run.path for run in made]


@pytest.fixture
def answer(monkeypatch):
    """Sit at a terminal and answer."""

    def give(text):
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda *_, **__: text == "y")

    return give


def test_yes_removes_without_asking(cli, runs):
    result = cli("rm", "one", "two", "--yes")
    assert result.code == 0
    assert "0 trials" in result.err
    assert not any(path.exists() for path in runs)


def test_without_a_terminal_nobody_is_asked_and_nothing_removed(cli, runs):
    result = cli("rm", "one")
    assert result.code == 2
    assert "Add --yes" in result.err
    assert runs[0].exists()


def test_no_leaves_everything(cli, runs, answer):
    answer("n")
    result = cli("rm", "one", "two")
    assert result.code == 1
    assert "nothing was removed" in result.err
    assert all(path.exists() for path in runs)


def test_yes_at_the_terminal_removes(cli, runs, answer):
    answer("y")
    assert cli("rm", "one").code == 0
    assert [path.exists() for path in runs] == [False, True]


def test_one_run_in_use_keeps_all(cli, runs):
    with run_lock(runs[1]):
        result = cli("rm", "one", "two", "--yes")
    assert result.code == 9
    assert all(path.exists() for path in runs)


def test_a_run_that_is_named_in_three_ways_is_removed_once(cli, runs):
    result = cli("rm", "one", "runs/one", str(runs[0].resolve()), "--yes")
    assert result.code == 0
    assert result.err.count("0 trials") == 1
    assert result.err.count("removed: ") == 1
    assert [path.exists() for path in runs] == [False, True]
