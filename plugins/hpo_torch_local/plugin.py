"""What this plugin registers; imports nothing heavy."""

from __future__ import annotations

from hpo_torch.plugin_api import BackendSpec, hookimpl


@hookimpl
def register_execution_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="local",
            target="hpo_torch_local.processes:LocalBackend",
            summary="Long-lived worker processes; a crashing trial never ends the study.",
            where="worker processes on this machine",
            auto="hpo_torch_local.readiness:readiness",
        ),
        BackendSpec(
            name="in_process",
            target="hpo_torch_local.in_process:InProcessBackend",
            summary="One trial at a time in a thread of this process, for debugging.",
            where="this process",
        ),
    ]
