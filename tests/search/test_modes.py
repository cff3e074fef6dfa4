from __future__ import annotations

import random
from itertools import product
from typing import get_args

import pytest

from hpo_torch.config.schema import Mode as ModeName
from hpo_torch.errors import UnknownNameError, UsageError
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.measurements import HealthReading, Measurements
from hpo_torch.search.modes import MODES, check_combination, score
from hpo_torch.search.objectives import References

REFERENCES = References(training_seconds=10.0, memory_bytes=1000.0, inference_seconds=0.001)
OBJECTIVES = {spec.name: spec for spec in installed_registry().objectives}
UNIVERSAL = [name for name, objective in OBJECTIVES.items() if not objective.health_only]
HEALTH_ONLY = [name for name, objective in OBJECTIVES.items() if objective.health_only]
METRICS = ("parameter_efficiency", "neuron_utilization", "training_stability", "gradient_health")
CHANCE = 0.2


def trial(accuracy, rng):
    """Measurements with random costs and health, and the skill that belongs to the accuracy."""
    return Measurements(
        val_accuracy=accuracy,
        val_loss=rng.uniform(0, 3),
        last_val_accuracy=accuracy * rng.random(),
        skill=max(0.0, (accuracy - CHANCE) / (1 - CHANCE)),
        parameters=rng.randrange(1, 10**7),
        training_seconds=rng.uniform(0.1, 1000),
        memory_bytes=rng.randrange(1, 10**9),
        inference_seconds=rng.uniform(1e-6, 1e-1),
        health={name: HealthReading(value=rng.random()) for name in METRICS},
        overall_health=rng.random(),
    )


def trials(count, seed=0):
    rng = random.Random(seed)
    return [trial(rng.random(), rng) for _ in range(count)]


def ranking(measurements, mode, objective, weight):
    scores = [score(m, mode, objective, weight, REFERENCES) for m in measurements]
    return sorted(range(len(scores)), key=scores.__getitem__)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_score_lies_between_0_and_1(objective, weight):
    for measurements in trials(100):
        assert 0.0 <= score(measurements, "health", objective, weight, REFERENCES) <= 1.0
        if objective in UNIVERSAL:
            assert 0.0 <= score(measurements, "simple", objective, weight, REFERENCES) <= 1.0


@pytest.mark.parametrize(
    ("mode", "objective"),
    [*product(["health"], OBJECTIVES), *product(["simple"], UNIVERSAL)],
)
def test_more_accuracy_never_lowers_the_score(mode, objective):
    for seed in range(50):
        scores = [
            score(trial(accuracy / 10, random.Random(seed)), mode, objective, 0.3, REFERENCES)
            for accuracy in range(11)  # same seed: the rest stays as it is
        ]
        assert scores == sorted(scores)


@pytest.mark.parametrize("objective", UNIVERSAL)
def test_health_weight_0_ranks_like_simple_mode(objective):
    pool = trials(60)

    assert ranking(pool, "health", objective, 0.0) == ranking(pool, "simple", objective, 0.3)


@pytest.mark.parametrize("objective", UNIVERSAL)
def test_health_weight_1_ranks_like_overall_health(objective):
    pool = trials(60)

    assert ranking(pool, "health", objective, 1.0) == ranking(pool, "health", "overall_health", 0.3)


def test_health_mode_mixes_by_weight():
    measurements = trials(1)[0].model_copy(update={"val_accuracy": 0.9, "overall_health": 0.5})

    # 0.7 x 0.9 + 0.3 x 0.5 = 0.63 + 0.15
    assert score(measurements, "health", "val_accuracy", 0.3, REFERENCES) == pytest.approx(0.78)
    assert score(measurements, "simple", "val_accuracy", 0.3, REFERENCES) == 0.9


def test_missing_overall_health_counts_as_0():
    measurements = trials(1)[0].model_copy(update={"val_accuracy": 0.9, "overall_health": None})

    mixed = score(measurements, "health", "val_accuracy", 0.3, REFERENCES)

    assert mixed == pytest.approx(0.63)


@pytest.mark.parametrize("mode", MODES)
def test_unmeasured_objective_has_no_score(mode):
    assert score(trials(1)[0], mode, "training_time", 0.3, References()) is None


@pytest.mark.parametrize("objective", HEALTH_ONLY)
def test_health_only_objective_ignores_the_weight(objective):
    measurements = trials(1)[0]

    light, heavy = (score(measurements, "health", objective, w, REFERENCES) for w in (0.0, 1.0))

    assert light == heavy


@pytest.mark.parametrize("objective", HEALTH_ONLY)
def test_health_only_objective_needs_health_mode(objective):
    check_combination("health", objective)
    with pytest.raises(
        UsageError, match=f"'{objective}' is a measure of health.*Use mode 'health'"
    ):
        check_combination("simple", objective)
    with pytest.raises(UsageError):
        score(trials(1)[0], "simple", objective, 0.3, REFERENCES)


@pytest.mark.parametrize(
    ("mode", "objective", "message"),
    [("helth", "val_accuracy", "unknown mode 'helth'"), ("simple", "val", "unknown objective")],
)
def test_check_combination_refuses_unknown_names(mode, objective, message):
    with pytest.raises(UnknownNameError, match=message):
        check_combination(mode, objective)


def test_modes_are_those_of_the_settings():
    assert tuple(MODES) == get_args(ModeName)
