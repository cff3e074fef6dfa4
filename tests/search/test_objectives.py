from __future__ import annotations

import pytest

from hpo_torch.errors import UnknownNameError
from hpo_torch.protocol.measurements import HealthReading, Measurements
from hpo_torch.search.objectives import OBJECTIVES, References, economy, find_objective

COSTS = {
    "training_time": "training_seconds",
    "memory_efficiency": "memory_bytes",
    "inference_speed": "inference_seconds",
}
SINGLE_METRICS = ("neuron_utilization", "training_stability", "gradient_health")
REFERENCES = References(training_seconds=10.0, memory_bytes=1000.0, inference_seconds=0.001)


def measured(**changes):
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


def score(name, references=REFERENCES, **changes):
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
def test_objective_scores_by_hand(name, expected):
    assert score(name) == pytest.approx(expected)


def test_objectives_are_the_ten_that_were_asked_for():
    assert [name for name, objective in OBJECTIVES.items() if objective.health_only] == [
        "overall_health",
        *SINGLE_METRICS,
    ]
    assert len(OBJECTIVES) == 10


def test_only_accuracy_keeps_the_last_epoch():
    assert [o.name for o in OBJECTIVES.values() if o.keeps == "last"] == ["accuracy"]


def test_accuracy_objectives_stop_early_on_accuracy():
    stopping = {name: objective.early_stopping_metric for name, objective in OBJECTIVES.items()}

    assert stopping.pop("val_accuracy") == stopping.pop("accuracy") == "val_accuracy"
    assert set(stopping.values()) == {"val_loss"}


@pytest.mark.parametrize(
    ("cost", "expected"), [(0.0, 1.0), (10.0, 0.5), (30.0, 1 / 3), (70.0, 0.25)]
)
def test_economy_by_hand(cost, expected):
    assert economy(cost, 10.0) == pytest.approx(expected)  # log2 of 1, 2, 4, 8


@pytest.mark.parametrize(("name", "attribute"), COSTS.items())
def test_cost_objective_compares_with_its_reference(name, attribute):
    cheap, dear = (score(name, **{attribute: value}) for value in (1, 100_000))

    assert 0.0 < dear < cheap < 1.0


@pytest.mark.parametrize("name", COSTS)
def test_cost_objective_does_not_depend_on_units(name):
    attribute = COSTS[name]
    in_thousandths = References(**{attribute: getattr(REFERENCES, attribute) * 1000})

    scaled = score(name, in_thousandths, **{attribute: 7000})

    assert scaled == pytest.approx(score(name, **{attribute: 7}))


@pytest.mark.parametrize("name", [*COSTS, *SINGLE_METRICS])
def test_without_skill_there_is_no_score(name):
    assert score(name, skill=0.0, training_seconds=1e-6) == 0.0


@pytest.mark.parametrize(("name", "attribute"), COSTS.items())
def test_unmeasured_cost_or_reference_gives_no_score(name, attribute):
    assert score(name, References()) is None
    if attribute != "training_seconds":
        assert score(name, **{attribute: None}) is None


@pytest.mark.parametrize("name", ["parameter_efficiency", *SINGLE_METRICS])
def test_unmeasured_health_metric_gives_no_score(name):
    assert score(name, health={}) is None
    assert score(name, health={name: HealthReading(reason="too few steps")}) is None


def test_unmeasured_overall_health_is_pessimistic():
    assert score("overall_health", overall_health=None) == 0.0


@pytest.mark.parametrize(("skill", "gate"), [(0.0, 0.0), (0.05, 0.5), (0.1, 1.0), (0.9, 1.0)])
@pytest.mark.parametrize("name", SINGLE_METRICS)
def test_health_metric_counts_as_far_as_there_is_skill(name, skill, gate):
    assert score(name, skill=skill) == pytest.approx(gate * score(name))


def test_references_are_a_trials_costs_and_survive_json():
    references = References.of(measured(memory_bytes=None, inference_seconds=0.0))

    assert references == References(training_seconds=10.0)
    assert References.model_validate_json(references.model_dump_json()) == references


def test_find_objective_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        find_objective("acuracy")
