"""Modes constrained and pareto: what is scored, and what they are refused with."""

from __future__ import annotations

import pytest

from hpo_torch.config.schema import SearchSettings
from hpo_torch.errors import InvalidValueError, UsageError
from hpo_torch.protocol.measurements import Measurements
from hpo_torch.search.modes import (
    MODES,
    check_combination,
    check_methods,
    health_value,
    optimises_two,
    score,
)
from hpo_torch.search.objectives import References

TWO = ["constrained", "pareto"]
MEASURED = Measurements(
    val_accuracy=0.8,
    val_loss=0.5,
    last_val_accuracy=0.7,
    skill=0.75,
    parameters=10,
    training_seconds=1.0,
    overall_health=0.4,
)


def test_two_modes_have_two_objectives():
    assert [name for name in MODES if optimises_two(SearchSettings(mode=name))] == TWO


@pytest.mark.parametrize("mode", TWO)
def test_score_is_the_objective_whatever_the_health_weight(mode):
    for weight in (0.0, 0.3, 1.0):
        assert score(MEASURED, mode, "accuracy", weight, References()) == 0.7


def test_unknown_health_counts_as_0():
    assert health_value(MEASURED) == 0.4
    assert health_value(MEASURED.model_copy(update={"overall_health": None})) == 0.0
    assert health_value(None) == 0.0


@pytest.mark.parametrize("mode", TWO)
def test_a_measure_of_health_is_no_first_objective(mode):
    with pytest.raises(UsageError, match=f"second objective of mode '{mode}' already.*'health'"):
        check_combination(mode, "overall_health")


@pytest.mark.parametrize("mode", TWO)
@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("sampler", "cmaes", "tpe, gp, nsga2, random, grid or qmc in mode"),
        ("pruner", "hyperband", "none, median, percentile or asha in mode.*asha halves"),
        ("pruner", "patient", "got 'patient'. Whether a trial improves"),
        ("pruner", "threshold", "got 'threshold'. Its bounds are for one score"),
        ("confirm", 3, "0 in mode.*hpo-torch retrain RUN"),
    ],
)
def test_what_is_for_one_score_is_refused(mode, setting, value, message):
    with pytest.raises(InvalidValueError, match=f"search.{setting}: .*{message}"):
        check_methods(SearchSettings.model_validate({"mode": mode, setting: value}))
    check_methods(SearchSettings.model_validate({"mode": "simple", setting: value}))


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "random", "grid", "qmc"])
@pytest.mark.parametrize("pruner", ["none", "median", "percentile", "asha"])
def test_the_others_are_accepted(sampler, pruner):
    check_methods(SearchSettings(mode="pareto", sampler=sampler, pruner=pruner))
