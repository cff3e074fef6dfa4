"""Trials that were asked for and never begun, where nobody shares the study."""

from __future__ import annotations

import optuna
import pytest

from hpo_torch.study.queue_file import OUTSIDE_ATTRIBUTE
from hpo_torch.study.recovery import reject_unbegun
from hpo_torch.study.strays import put_back
from hpo_torch.study.trial_marks import HYPERPARAMETERS, NEVER_BEGUN, REJECTED


@pytest.fixture
def study():
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))


def states(study):
    return [trial.state.name for trial in study.trials]


def test_queued_configuration_waits_again_with_its_values_outside_the_domains(study):
    study.enqueue_trial({"x": 0.5}, user_attrs={OUTSIDE_ATTRIBUTE: {"y": 7}})
    study.ask()
    reject_unbegun(study)
    assert states(study) == ["FAIL", "WAITING"]
    assert study.trials[0].user_attrs[REJECTED] == NEVER_BEGUN
    again = study.ask()
    assert (again.number, again.user_attrs) == (1, {OUTSIDE_ATTRIBUTE: {"y": 7}})
    assert again.suggest_float("x", 0, 1) == 0.5


def test_what_a_sampler_chose_is_closed_and_no_more(study):
    study.ask()
    put_back(study, 0)
    assert states(study) == ["FAIL"]


def test_configuration_that_was_refused_is_not_queued_again(study):
    study.enqueue_trial({"x": 0.5})
    study.ask().set_user_attr(REJECTED, "too large")  # and died before it told
    put_back(study, 0)
    assert states(study) == ["FAIL"]
    assert study.trials[0].user_attrs[REJECTED] == "too large"


def test_trials_that_were_begun_or_have_ended_are_left_alone(study):
    study.ask().set_user_attr(HYPERPARAMETERS, {})
    study.tell(study.ask(), 0.5)
    for number in (0, 1):
        put_back(study, number)
    assert states(study) == ["RUNNING", "COMPLETE"]
