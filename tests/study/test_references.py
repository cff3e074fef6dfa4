"""What costs are compared with: the first completed trial's, for the whole study."""

from __future__ import annotations

import math

import pytest

from hpo_torch.study.references import read_references

ACCURACY = 0.8  # skill too, and each epoch takes a second
ONE, TWO, FOUR = ([ACCURACY] * epochs for epochs in (1, 2, 4))


def score(seconds, reference):
    return ACCURACY / (1 + math.log2(1 + seconds / reference))


def search(run_script, script, **settings):
    return run_script(script, optimize_for="training_time", pruner="none", **settings)


def test_costs_are_compared_with_the_first_completed_trial(run_script):
    run = search(run_script, [["user_code"], TWO, ONE, FOUR])
    assert run.states[0] == "failed"
    assert read_references(run.study).training_seconds == 2.0
    assert [run.results[trial].score for trial in (1, 2, 3)] == pytest.approx(
        [score(2, 2), score(1, 2), score(4, 2)]
    )


def test_a_resumed_study_keeps_its_references(run_script):
    search(run_script, [TWO])
    run = search(run_script, [TWO, ONE, FOUR], again=True)
    assert read_references(run.study).training_seconds == 2.0
    assert [trial.value for trial in run.study.trials] == pytest.approx(
        [score(2, 2), score(1, 2), score(4, 2)]
    )


def test_a_score_once_told_does_not_depend_on_the_trials_after_it(run_script):
    short = search(run_script, [TWO, ONE], name="short")
    long = search(run_script, [TWO, ONE, FOUR, ONE], name="long")
    told = [trial.value for trial in long.study.trials]
    assert told[:2] == [trial.value for trial in short.study.trials]
