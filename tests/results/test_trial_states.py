from __future__ import annotations

import json

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results import trial_states
from hpo_torch.results.trial_states import read_states


@pytest.fixture
def paths(run, make_trial):
    for number, state in enumerate(("complete", "pruned", "failed")):
        run.write_trial(make_trial(number, state, score=None if state == "failed" else 0.5))
    return [run.trial_dir(number) / "result.json" for number in range(3)]


def test_states_are_read_and_nothing_else(paths, monkeypatch):
    monkeypatch.delattr(trial_states, "read_record")
    assert read_states(paths) == ["complete", "pruned", "failed"]


def test_a_result_in_another_order_is_read_whole(paths):
    content = json.loads(paths[1].read_text())
    paths[1].write_text(json.dumps(dict(sorted(content.items(), reverse=True))))
    assert read_states(paths) == ["complete", "pruned", "failed"]


@pytest.mark.parametrize("content", ["{}", "", '{"trial": 1, "attempt": "a", "state": "done"}'])
def test_what_is_no_result_is_named(paths, content):
    paths[1].write_text(content)
    with pytest.raises(OutputError, match=r"0001/result.json is no TrialResult"):
        read_states(paths)


def test_a_missing_file_is_named(paths):
    paths[2].unlink()
    with pytest.raises(OutputError, match=r"cannot read .*0002/result.json"):
        read_states(paths)
