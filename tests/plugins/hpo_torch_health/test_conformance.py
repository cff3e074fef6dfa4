"""The first-party metrics pass the suite that every health metric must pass."""

from __future__ import annotations

from typing import Any

from hpo_torch.hooks.lazy import resolve
from hpo_torch.testing.health_suite import HealthSuite
from hpo_torch_health.plugin import register_health_metrics


def _suite_of(spec: Any) -> type[HealthSuite]:
    def make_metric(_cls: type) -> Any:
        return resolve("health metric", spec)()

    return type(f"Test_{spec.name}", (HealthSuite,), {"make_metric": classmethod(make_metric)})


globals().update({f"Test_{spec.name}": _suite_of(spec) for spec in register_health_metrics()})
