from __future__ import annotations

import numpy as np
import pytest
from health_helps_rules import PLACEBO, RULES, SubPool, sub_pools


def record(accuracy, health, *, config=0, seed=0, loss=1.0, decay=0.0, robust=None, held_out=0.0):
    return {
        "seed": seed,
        "config": config,
        "val_accuracy": accuracy,
        "val_loss": loss,
        "val_ece": None,
        "health": {"default": health, "original": 1.0 - health},
        "readings": {"robustness": {"value": robust}},
        "hyperparameters": {"weight_decay": decay},
        "test": {"held_out": held_out},
    }


@pytest.fixture
def pool():
    # 70/30:       .650  .787  .896  .834
    return SubPool(
        [
            record(0.50, 1.00, loss=0.9, decay=0.5),
            record(0.99, 0.30, loss=0.3, decay=0.1, robust=0.1, held_out=0.1),
            record(0.98, 0.70, loss=0.4, decay=0.2, held_out=0.4),
            record(0.92, 0.63, loss=0.2, decay=0.9, robust=0.9, held_out=0.3),
        ]
    )


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        ("accuracy only", 1),
        ("health 70/30", 2),
        ("health 50/50", 2),
        ("health alone", 0),
        ("constrained", 2),  # 0.98 is within 0.01 of 0.99, and healthier
        ("pareto", 2),  # 0.98 x 0.70 is the largest area
        ("preset original 70/30", 1),  # 0.693 + 0.3 x 0.7
        ("validation loss", 3),
        ("robustness 70/30", 3),  # 0.644 + 0.27, against 0.693 + 0.03
        ("robustness within delta", 1),  # the other within delta has no value, so 0
        ("weight decay within delta", 2),
        ("oracle", 2),
    ],
)
def test_rule_chooses(pool, rule, chosen):
    assert RULES[rule](pool).tolist() == np.eye(4)[chosen].tolist()


def test_random_within_delta_chooses_either(pool):
    assert RULES["random within delta"](pool).tolist() == [0, 0.5, 0.5, 0]


def test_placebo_is_a_mean_over_shuffles():
    # Whoever of the two is given the only health wins: each half of the time.
    pool = SubPool([record(0.9, 1.0), record(0.9, 0.0)])
    chances = RULES[PLACEBO](pool)
    assert chances.sum() == pytest.approx(1.0)
    assert chances[0] == pytest.approx(0.5, abs=0.1)


def test_rule_without_values_chooses_nothing(pool):
    assert RULES["calibration alone"](pool) is None
    unmeasured = SubPool([record(0.5, 0.5), record(0.6, 0.5)])
    assert RULES["robustness 70/30"](unmeasured) is None


def test_the_first_of_equals_is_chosen():
    pool = SubPool([record(0.9, 0.2), record(0.9, 0.1)])
    assert RULES["accuracy only"](pool).tolist() == [1, 0]


def test_sub_pools_are_disjoint_of_one_seed_and_whole():
    records = [record(0.5, 0.5, config=c, seed=s) for s in (1, 0) for c in (4, 3, 2, 1, 0)]
    del records[-1]["test"]  # seed 0, config 0 failed
    found = [[(r["seed"], r["config"]) for r in pool.records] for pool in sub_pools(records, 2)]
    assert found == [[(0, 1)], [(0, 2), (0, 3)], [(1, 0), (1, 1)], [(1, 2), (1, 3)]]
