"""Thirty trials, killed at least fifteen times: `nox -s chaos`. Minutes, so no part of `tests`."""

from __future__ import annotations

import os

import pytest
from chaos import SMALL, Blow, Chaos, random_blows
from whole_run import check_whole, figures

from hpo_torch.results.summary import RunView

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]

TRIALS = 30
ENDS = [Blow("main", "end", delay) for delay in (0.0, 0.4, 1.0)]
SEARCHES = {
    # Whatever TPE and the median know at a trial's start is the same in every run.
    "one_after_the_other": ["--jobs", "1", "--sampler", "tpe", "--pruner", "median"],
    # Which trials overlap is not; what random search proposes for a number is.
    "two_at_once": ["--jobs", "2", "--sampler", "random", "--pruner", "none"],
}


@pytest.mark.parametrize("arguments", SEARCHES.values(), ids=SEARCHES)
def test_thirty_trials_survive_whatever_is_killed(arguments, tmp_path):
    search = [*SMALL, "--trials", str(TRIALS), "--min-epochs", "2", "--max-epochs", "4", *arguments]
    killed, undisturbed = (Chaos(tmp_path / name, search) for name in ("killed", "undisturbed"))
    killed.survive([*random_blows(seed=4, count=18, pace=3.0), *ENDS])
    undisturbed.finish()
    assert len(killed.kills) >= 15
    for chaos in (killed, undisturbed):
        check_whole(chaos.run, TRIALS)
    same, expected = (RunView.open(chaos.run).trials for chaos in (killed, undisturbed))
    assert [figures(result) for result in same] == [figures(result) for result in expected]


def test_tpe_with_two_trials_at_once_survives_too(tmp_path):
    search = [*SMALL, "--trials", str(TRIALS), "--epochs", "2", "--jobs", "2"]
    chaos = Chaos(tmp_path / "killed", search)
    chaos.survive([*random_blows(seed=5, count=18, pace=2.0), *ENDS])
    assert len(chaos.kills) >= 15
    check_whole(chaos.run, TRIALS)
