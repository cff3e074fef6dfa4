from __future__ import annotations

import json
import random

import pytest
from health_helps_analysis import ALL, analyse_pool, influence, strata
from health_helps_rules import BASELINE, SubPool
from health_helps_tables import tables


def record(index, *, condition="one", seed=0):
    """A model whose health is its accuracy on damage beyond what clean accuracy says."""
    draw = random.Random(f"{condition} {seed} {index}")
    clean, health = draw.uniform(0.8, 0.82), draw.random()
    held_out = 0.5 + (clean - 0.8) + 0.2 * health
    return {
        "condition": condition,
        "seed": seed,
        "config": index,
        "seconds": 2.0,
        "health_seconds": 0.5,
        "hyperparameters": {
            "weight_decay": draw.random(),
            "activation": draw.choice(("relu", "swish")),
            "hidden_activation": "relu",
            "conv_layers": 2,
            "hidden_layers": draw.choice((1, 2)),
        },
        "val_accuracy": clean,
        "val_loss": 1 - clean,
        "val_ece": 0.1,
        "skill": 0.8,
        "parameters": 100 + index,
        "health": {"default": health, "original": 1 - health},
        "readings": {
            "honest": {"value": health},
            "constant": {"value": 1.0},
            "unmeasured": {"value": None},
        },
        "test": {
            "clean": clean,
            "held_out": held_out,
            "seen": held_out,
            "ece": 0.1,
            "held_out_ece": 0.2,
            "examples": 1000,
        },
    }


@pytest.fixture(scope="module")
def results():
    pool = [
        record(n, condition=c, seed=s) for c in ("one", "two") for s in (0, 1) for n in range(40)
    ]
    del pool[0]["test"]  # it diverged
    return analyse_pool(pool, 10)


def test_every_condition_and_all_together_are_analysed(results):
    assert {name: found["units"] for name, found in results.items()} == {
        "one": 8,
        "two": 8,
        ALL: 16,
    }
    assert (results["one"]["trainings"], results["one"]["complete"]) == (80, 79)


def test_health_that_predicts_robustness_wins_over_accuracy_and_placebo(results):
    rules = results[ALL]["rules"]
    for contrast in ("health 70/30", "health 70/30, over placebo"):
        assert rules[contrast]["held_out"]["verdict"] == "better"
        assert rules[contrast]["held_out"]["p_holm"] < 0.05
    assert rules["preset original 70/30"]["held_out"]["verdict"] == "worse"
    assert rules["placebo 70/30"]["held_out"]["verdict"] != "better"
    assert rules["oracle"]["held_out"]["mean"] >= rules["health alone"]["held_out"]["mean"]


def test_equal_calibration_is_no_effect(results):
    assert results["one"]["rules"]["health 70/30"]["ece"]["verdict"] == "no effect"


def test_few_sub_pools_decide_nothing():
    results = analyse_pool([record(n) for n in range(50)], 10)
    each = results["one"]["rules"]["health 70/30"]["held_out"]
    assert (each["units"], each["verdict"]) == (5, "too few sub-pools")


def test_baseline_differs_from_itself_by_nothing(results):
    each = results["one"]["rules"][BASELINE]["held_out"]
    assert (each["difference"], each["low"], each["high"], each["signs"]) == (0, 0, 0, [0, 0])


def test_rule_without_values_is_not_measured(results):
    assert results["one"]["rules"]["robustness 70/30"]["held_out"] is None


def test_correlations_know_a_metric_that_predicts(results):
    tau = results["one"]["tau"]
    assert tau["honest"]["stratified"]["value"] > 0.9
    assert tau["overall_health, preset original"]["stratified"]["high"] < 0
    assert tau["constant"] == {"models": 79, "deviation": 0.0}
    assert tau["unmeasured"] == {"models": 0, "deviation": None}


def test_results_are_json_and_tables_name_every_condition(results):
    json.dumps(results, allow_nan=False)
    text = "\n".join(tables(results))
    assert "### Every rule: two" in text
    assert "| constant | never varied | never varied |" in text
    assert "| unmeasured | too few values | too few values |" in text


def test_pool_smaller_than_a_sub_pool_has_no_results():
    assert analyse_pool([record(n) for n in range(5)], 10) == {}


def test_influence_by_hand():
    pool = SubPool([record(0), record(1)])
    for each, accuracy, health in zip(pool.records, (0.8, 0.9), (0.2, 0.9), strict=True):
        each["val_accuracy"], each["health"]["default"] = accuracy, health
    # 0.3 x 0.35 of 0.3 x 0.35 + 0.7 x 0.05
    assert influence(pool) == pytest.approx(0.75)


def test_strata_of_both_families():
    cnn = {
        "activation": "relu",
        "hidden_activation": "sigmoid",
        "conv_layers": 3,
        "hidden_layers": 2,
    }
    lstm = {"hidden_activation": "relu", "lstm_layers": 1, "hidden_layers": 3}
    found = strata([{"hyperparameters": cnn}, {"hyperparameters": lstm}])
    assert found == [("relu", "sigmoid", "4-5"), ("relu", "4-5")]
