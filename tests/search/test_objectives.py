"""Objectives as anybody registers them; those of hpo-torch are tested with their plugin."""

from __future__ import annotations

import itertools
import math

import pytest

from hpo_torch.errors import PluginError, UnknownNameError
from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.records import ObjectiveSpec
from hpo_torch.hooks.registry import build_registry
from hpo_torch.hooks.specs import hookimpl
from hpo_torch.protocol.measurements import Measurements
from hpo_torch.search import objectives
from hpo_torch.search.objectives import (
    Objective,
    References,
    cost_discount,
    find_objective,
    skill,
    skill_gate,
)

TRIAL = Measurements(
    val_accuracy=0.9,
    val_loss=0.4,
    last_val_accuracy=0.8,
    skill=0.8,
    parameters=1000,
    training_seconds=10.0,
)


def spec(name, **facts):
    return ObjectiveSpec(name=name, target="math:fsum", summary="made up", **facts)


class Offers:
    def __init__(self, *specs):
        self.specs = list(specs)

    @hookimpl
    def register_objectives(self):
        return self.specs


def registry(**plugins):
    loaded = Plugins(new_manager())
    for name, plugin in plugins.items():
        loaded.manager.register(plugin, name)
    return build_registry(loaded)


def objective(function):
    return Objective(name="odd", target="a:b", summary="made up", function=function)


def test_hook_register_objectives_is_asked_of_every_plugin():
    found = registry(one=Offers(spec("a")), two=Offers(spec("b")))
    assert found.objectives.plugin_of == {"a": "one", "b": "two"}


def test_objective_that_two_plugins_offer_names_both():
    with pytest.raises(PluginError, match=r"objective 'a' is registered by.*'one' and.*'two'"):
        registry(one=Offers(spec("a")), two=Offers(spec("a")))


def test_find_objective_takes_the_facts_from_the_record_and_imports_the_target(monkeypatch):
    facts = {"health_only": True, "early_stopping_metric": "val_accuracy", "keeps": "last"}
    record = spec("a", relative=True, **facts)
    monkeypatch.setattr(objectives, "installed_registry", lambda: registry(one=Offers(record)))
    found = find_objective("a")
    assert found.function is math.fsum
    assert (found.name, found.summary, found.relative) == ("a", "made up", True)
    assert {name: getattr(found, name) for name in facts} == facts


def test_find_objective_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        find_objective("acuracy")


@pytest.mark.parametrize("value", [0.0, 1.0, 1, None])
def test_score_is_what_the_function_returns(value):
    assert objective(lambda *_: value).score(TRIAL, References()) == value


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, "much"])
def test_score_that_is_no_share_names_the_objective(value):
    with pytest.raises(PluginError, match=r"objective 'odd'"):
        objective(lambda *_: value).score(TRIAL, References())


def test_function_that_fails_is_named_with_its_error():
    with pytest.raises(PluginError, match=r"objective 'odd' failed: ZeroDivisionError: division"):
        objective(lambda *_: 1 / 0).score(TRIAL, References())


@pytest.mark.parametrize(
    ("amount", "expected"), [(0.0, 1.0), (10.0, 0.5), (30.0, 1 / 3), (70.0, 0.25)]
)
def test_cost_discount_by_hand(amount, expected):
    assert cost_discount(amount, 10.0) == pytest.approx(expected)  # log2 of 1, 2, 4, 8


def test_cost_discount_falls_strictly():
    values = [cost_discount(amount, 1e5) for amount in (0, 1, 10**3, 10**5, 10**7, 10**9)]
    assert all(a > b > 0 for a, b in itertools.pairwise(values))


@pytest.mark.parametrize("unit", [1e-6, 0.5, 1024.0])
def test_cost_discount_is_free_of_units(unit):
    assert cost_discount(7e4 * unit, 3e5 * unit) == pytest.approx(cost_discount(7e4, 3e5))


@pytest.mark.parametrize(("skill", "gate"), [(0.0, 0.0), (0.05, 0.5), (0.1, 1.0), (0.9, 1.0)])
def test_skill_gate_by_hand(skill, gate):
    assert skill_gate(skill) == pytest.approx(gate)


def test_references_are_a_trials_costs_and_survive_json():
    references = References.of(TRIAL.model_copy(update={"inference_seconds": 0.0}))
    assert references == References(training_seconds=10.0)
    assert References.model_validate_json(references.model_dump_json()) == references


def test_skill_by_hand() -> None:
    assert skill(0.55, 0.1) == pytest.approx(0.5)
    assert skill(0.05, 0.1) == 0.0
    assert skill(1.0, 0.1) == 1.0
    assert skill(1.0, 1.0) == 0.0
