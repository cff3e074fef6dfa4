from __future__ import annotations

import pkgutil

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch_local.plugin import register_execution_backends


def test_plugin_registers_backends_whose_targets_make_backends():
    capacities = {}
    for spec in register_execution_backends():
        backend = pkgutil.resolve_name(spec.target)(ExecutionSettings(device="cpu"))
        capacities[spec.name] = backend.capacity
    assert capacities == {"local": 1, "in_process": 1}
