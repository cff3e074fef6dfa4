from __future__ import annotations

import pytest
import yaml

from hpo_torch.config.health_presets import HEALTH_PRESETS
from hpo_torch.config.load import Layer, dump_config, file_layer, resolve_config
from hpo_torch.config.schema import HealthSettings, RunConfig
from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.health.score import overall_health, resolve_weights
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.measurements import HealthReading

ORIGINAL = {
    "neuron_utilization": 0.25,
    "parameter_efficiency": 0.15,
    "training_stability": 0.20,
    "gradient_health": 0.15,
    "convergence_quality": 0.15,
    "accuracy_consistency": 0.10,
}


def resolve(*layers):
    """Settings from layers of dotted names, the lowest first."""
    return resolve_config([Layer(f"layer {i}", values) for i, values in enumerate(layers)])


def test_original_is_the_weighted_sum_by_hand():
    health = HealthSettings(preset="original")
    values = {
        "neuron_utilization": 0.8,
        "parameter_efficiency": 0.5,
        "training_stability": 0.9,
        "gradient_health": 1.0,
        "convergence_quality": 0.6,
        "accuracy_consistency": 0.4,
        "calibration": 0.1,  # no part of it
    }
    readings = {name: HealthReading(value=value) for name, value in values.items()}
    weights = resolve_weights(list(installed_registry().health_metrics), health)
    overall = overall_health(readings, weights, 1.0, health.combine)
    # 0.25 x 0.8 + 0.15 x 0.5 + 0.2 x 0.9 + 0.15 x 1 + 0.15 x 0.6 + 0.1 x 0.4
    assert overall == pytest.approx(0.2 + 0.075 + 0.18 + 0.15 + 0.09 + 0.04)
    assert overall_health(readings, weights, 0.05, health.combine) == pytest.approx(0.735 / 2)


def test_original_leaves_every_other_metric_without_weight():
    specs = list(installed_registry().health_metrics)
    weights = resolve_weights(specs, HealthSettings(preset="original"))
    assert {name: weight for name, weight in weights.items() if weight} == ORIGINAL
    assert set(weights) == {spec.name for spec in specs}


@pytest.mark.parametrize("where", ["its own layer", "a layer above"])
def test_the_users_own_weights_and_combination_prevail(where):
    preset = {"health.preset": "original"}
    own = {"health.weights.training_stability": 0.5, "health.combine": "min"}
    layers = [{**own, **preset}] if where == "its own layer" else [preset, own]
    health = resolve(*layers).config.health
    assert health.weights == {**ORIGINAL, "training_stability": 0.5}
    assert (health.combine, health.default_weights) == ("min", False)


def test_a_preset_prevails_over_what_layers_below_it_say(tmp_path):
    """So that `--config RUN/config.yaml --health-preset original` means what it says."""
    path = tmp_path / "config.yaml"
    own = HealthSettings(weights={"training_stability": 1.0, "gradient_health": 0.0})
    path.write_text(dump_config(RunConfig(health=own)))
    above = Layer("command line", {"health.preset": "original"})
    resolved = resolve_config([file_layer(path), above])
    assert resolved.config.health == HealthSettings(preset="original")
    assert resolved.origins["health.combine"] == "command line"
    assert resolved.origins["health.weights.neuron_utilization"] == "command line"


def test_a_run_keeps_its_preset_and_what_came_of_it(tmp_path):
    config = resolve({"health.preset": "original", "health.combine": "geometric"}).config
    written = yaml.safe_load(dump_config(config))["health"]
    assert (written["preset"], written["combine"]) == ("original", "geometric")
    (tmp_path / "config.yaml").write_text(dump_config(config))
    assert resolve_config([file_layer(tmp_path / "config.yaml")]).config == config


def test_unknown_preset_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown health preset 'orginal'.*'original'"):
        resolve({"health.preset": "orginal"})


def test_impossible_settings_beside_a_preset_are_refused_by_name():
    with pytest.raises(InvalidValueError, match=r"health\.combine: expected 'geometric'"):
        resolve({"health.preset": "original", "health.combine": "sum"})
    with pytest.raises(InvalidValueError, match=r"health\.weights"):
        resolve({"health.preset": "original", "health.weights": [1, 2]})


@pytest.mark.parametrize("name", HEALTH_PRESETS)
def test_every_preset_is_valid_and_differs_from_the_defaults(name):
    assert HealthSettings(preset=name).combine != HealthSettings().combine
