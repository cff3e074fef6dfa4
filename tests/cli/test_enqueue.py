from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study import add_to_queue


@pytest.fixture
def run(tmp_path):
    made = RunDirectory.create(tmp_path / "runs", "one")
    made.write_config(RunConfig())
    return made.path


def test_it_says_how_many_were_queued(cli, run, monkeypatch):
    asked = []

    def add(path, queue, registry, note):
        note("dropout=0.0 is trained as given")
        asked.append((path.name, queue.name))
        return 2

    monkeypatch.setattr(add_to_queue, "add_to_queue", add)
    result = cli("enqueue", "one", "more.yaml")
    assert result.code == 0
    assert result.out == ""
    assert "warning: dropout=0.0 is trained as given" in result.err
    assert "2 configurations queued" in result.err
    assert asked == [("one", "more.yaml")]


def test_a_study_that_has_not_begun_is_refused_in_one_line(cli, run):
    result = cli("enqueue", "one", "more.yaml")
    assert result.code == 2
    assert result.err.startswith("error: the study of ")
    assert "has not begun" in result.err


def test_an_unknown_run_is_named_with_those_there_are(cli, run):
    result = cli("enqueue", "won", "more.yaml")
    assert result.code == 2
    assert "Did you mean 'one'?" in result.err
