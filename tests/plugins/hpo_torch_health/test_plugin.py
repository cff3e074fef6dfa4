from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from hpo_torch.config.health_presets import HEALTH_PRESETS
from hpo_torch_health.plugin import register_health_metrics


def test_specs_have_the_documented_weights() -> None:
    weights = {spec.name: spec.default_weight for spec in register_health_metrics()}
    assert {name: weight for name, weight in weights.items() if weight} == {
        "neuron_utilization": 0.20,
        "training_stability": 0.30,
        "gradient_health": 0.20,
        "parameter_efficiency": 0.10,
        "generalization": 0.10,
        "calibration": 0.10,
    }


def test_default_weights_are_1_in_all() -> None:
    weights = [spec.default_weight for spec in register_health_metrics()]
    assert sum(weights) == pytest.approx(1.0)


def test_only_the_expensive_one_has_to_be_asked_for() -> None:
    assert [spec.name for spec in register_health_metrics() if spec.opt_in] == ["robustness"]


def test_the_original_preset_weighs_six_of_our_metrics_by_1_in_all() -> None:
    weights = HEALTH_PRESETS["original"]["weights"]
    assert len(weights) == 6
    assert set(weights) <= {spec.name for spec in register_health_metrics()}
    assert sum(weights.values()) == pytest.approx(1.0)


def test_targets_make_metrics() -> None:
    for spec in register_health_metrics():
        module, _, attribute = spec.target.partition(":")
        metric = getattr(importlib.import_module(module), attribute)()
        assert callable(metric.observe)
        assert callable(metric.score)


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from hpo_torch_health import plugin;"
        "assert plugin.register_health_metrics() and plugin.register_objectives();"
        "assert not {'torch', 'lightning', 'numpy'} & set(sys.modules)"
    )
    paths = repr(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {paths}; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
