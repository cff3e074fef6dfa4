from __future__ import annotations

import importlib
import subprocess
import sys

from hpo_torch_health.plugin import register_health_metrics


def test_specs_have_the_documented_weights() -> None:
    weights = {spec.name: spec.default_weight for spec in register_health_metrics()}
    assert weights == {
        "neuron_utilization": 0.20,
        "training_stability": 0.30,
        "gradient_health": 0.20,
        "parameter_efficiency": 0.10,
    }


def test_targets_make_metrics() -> None:
    for spec in register_health_metrics():
        module, _, attribute = spec.target.partition(":")
        metric = getattr(importlib.import_module(module), attribute)()
        assert callable(metric.observe)
        assert callable(metric.score)


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from hpo_torch_health.plugin import register_health_metrics;"
        "assert len(register_health_metrics()) == 4;"
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
