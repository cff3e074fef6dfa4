from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from hpo_torch.hooks.registry import installed_registry
from hpo_torch.plugin_api import References
from hpo_torch.protocol.measurements import HealthReading, Measurements
from hpo_torch.search.objectives import find_objective
from hpo_torch_health.parameter_efficiency import ParameterEfficiency

if TYPE_CHECKING:
    from collections.abc import Callable

COSTS = {
    "training_time": "training_seconds",
    "memory_efficiency": "memory_bytes",
    "inference_speed": "inference_seconds",
}
SINGLE_METRICS = ("gradient_health", "neuron_utilization", "training_stability")
UNIVERSAL = ("val_accuracy", "accuracy", *COSTS, "parameter_efficiency")
REFERENCES = References(training_seconds=10.0, memory_bytes=1000.0, inference_seconds=0.001)
OURS = {
    spec.name: spec
    for spec in installed_registry().objectives
    if installed_registry().objectives.plugin_of[spec.name] == "hpo_torch_health"
}


def measured(**changes: Any) -> Measurements:
    values = {
        "val_accuracy": 0.9,
        "val_loss": 0.4,
        "last_val_accuracy": 0.8,
        "skill": 0.88,
        "parameters": 1000,
        "training_seconds": 10.0,
        "memory_bytes": 1000,
        "inference_seconds": 0.001,
        "health": {
            "parameter_efficiency": HealthReading(value=0.6),
            "neuron_utilization": HealthReading(value=0.5),
            "training_stability": HealthReading(value=0.4),
            "gradient_health": HealthReading(value=0.3),
        },
        "overall_health": 0.7,
    }
    return Measurements(**{**values, **changes})


def score(name: str, references: References = REFERENCES, **changes: Any) -> float | None:
    return find_objective(name).score(measured(**changes), references)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_accuracy", 0.9),
        ("accuracy", 0.8),
        ("training_time", 0.44),  # skill 0.88 x 1/2 at the reference
        ("parameter_efficiency", 0.6),
        ("memory_efficiency", 0.44),
        ("inference_speed", 0.44),
        ("overall_health", 0.7),
        ("neuron_utilization", 0.5),
        ("training_stability", 0.4),
        ("gradient_health", 0.3),
    ],
)
def test_objective_scores_by_hand(name: str, expected: float) -> None:
    assert score(name) == pytest.approx(expected)


def test_objectives_are_the_ten_that_were_asked_for() -> None:
    health_only = {"overall_health", *SINGLE_METRICS}
    assert set(OURS) == {*UNIVERSAL, *health_only}
    assert {spec.name for spec in OURS.values() if spec.health_only} == health_only


def test_only_accuracy_keeps_the_last_epoch() -> None:
    assert [spec.name for spec in OURS.values() if spec.keeps == "last"] == ["accuracy"]


def test_accuracy_objectives_stop_early_on_accuracy() -> None:
    stopping = {name: spec.early_stopping_metric for name, spec in OURS.items()}
    assert stopping.pop("val_accuracy") == stopping.pop("accuracy") == "val_accuracy"
    assert set(stopping.values()) == {"val_loss"}


def test_cost_objectives_alone_are_relative() -> None:
    assert {spec.name for spec in OURS.values() if spec.relative} == set(COSTS)


@pytest.mark.parametrize(("name", "attribute"), COSTS.items())
def test_score_falls_strictly_with_cost(name: str, attribute: str) -> None:
    scores = [score(name, **{attribute: cost}) for cost in (1, 10, 1000, 10**6, 10**9)]
    assert all(cheap > dear > 0.0 for cheap, dear in itertools.pairwise(scores))


@pytest.mark.parametrize("name", COSTS)
def test_score_rises_strictly_with_skill_at_equal_cost(name: str) -> None:
    scores = [score(name, skill=skill) for skill in (0.0, 0.05, 0.5, 0.9, 1.0)]
    assert all(worse < better <= 1.0 for worse, better in itertools.pairwise(scores))


@pytest.mark.parametrize(("name", "attribute"), COSTS.items())
@pytest.mark.parametrize("unit", [1000, 3600, 2**20])
def test_cost_objective_does_not_depend_on_units(name: str, attribute: str, unit: int) -> None:
    in_another_unit = References(**{attribute: getattr(REFERENCES, attribute) * unit})
    scaled = score(name, in_another_unit, **{attribute: 7 * unit})
    assert scaled == pytest.approx(score(name, **{attribute: 7}))


@pytest.mark.parametrize("unit", [1000, 2**20])
def test_parameter_efficiency_does_not_depend_on_units(unit: int, make_record: Callable) -> None:
    one, other = (
        ParameterEfficiency().score(
            make_record(skill=0.88, parameters=7 * scale, reference_parameters=30 * scale)
        )
        for scale in (1, unit)
    )
    assert score("parameter_efficiency", health={"parameter_efficiency": one}) == pytest.approx(
        score("parameter_efficiency", health={"parameter_efficiency": other})
    )


@pytest.mark.parametrize("name", [*COSTS, *SINGLE_METRICS])
def test_at_chance_level_there_is_nothing_to_score(name: str) -> None:
    assert score(name, skill=0.0, training_seconds=1e-6, memory_bytes=1) == 0.0


@pytest.mark.parametrize(("name", "attribute"), COSTS.items())
def test_unmeasured_cost_or_reference_gives_no_score(name: str, attribute: str) -> None:
    assert score(name, References()) is None
    if attribute != "training_seconds":
        assert score(name, **{attribute: None}) is None


@pytest.mark.parametrize("name", ["parameter_efficiency", *SINGLE_METRICS])
def test_unmeasured_health_metric_gives_no_score(name: str) -> None:
    assert score(name, health={}) is None
    assert score(name, health={name: HealthReading(reason="too few steps")}) is None


def test_unmeasured_overall_health_is_pessimistic() -> None:
    assert score("overall_health", overall_health=None) == 0.0


@pytest.mark.parametrize(("skill", "gate"), [(0.0, 0.0), (0.05, 0.5), (0.1, 1.0), (0.9, 1.0)])
@pytest.mark.parametrize("name", SINGLE_METRICS)
def test_health_metric_counts_as_far_as_there_is_skill(
    name: str, skill: float, gate: float
) -> None:
    assert score(name, skill=skill) == pytest.approx(gate * score(name))
