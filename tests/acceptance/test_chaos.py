"""A search whose processes are killed (SIGKILL) at every stage ends as if they had not been.

Thirty trials and more kills, at random moments, are in tests/chaos.
"""

from __future__ import annotations

import os

import pytest
from chaos import SMALL, Blow, Chaos
from whole_run import check_whole, figures

from hpo_torch.results.summary import RunView

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]

TRIALS = 8
BLOWS = [
    Blow("main", "start", 0.3),
    Blow("main", at_write=4),
    Blow("worker", "training", 0.1),
    Blow("both", "training", 0.6),
    Blow("main", "asked", 0.5),
    Blow("main", at_write=30),
    Blow("worker", "file"),
    Blow("main", "end"),
    Blow("main", "end", 0.3),
]


def test_killed_search_ends_as_an_undisturbed_one(tmp_path):
    search = [*SMALL, "--trials", str(TRIALS), "--epochs", "3", "--jobs", "1"]
    killed, undisturbed = (Chaos(tmp_path / name, search) for name in ("killed", "undisturbed"))
    killed.survive(BLOWS)
    undisturbed.finish()
    assert killed.kills == BLOWS
    check_whole(killed.run, TRIALS)
    same, expected = (RunView.open(chaos.run).trials for chaos in (killed, undisturbed))
    assert max(result.attempts for result in same) > 1
    assert [figures(result) for result in same] == [figures(result) for result in expected]
