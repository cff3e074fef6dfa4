"""What this plugin registers; imports nothing heavy."""

from __future__ import annotations

from hpo_torch.plugin_api import BackendSpec, CommandSpec, hookimpl


@hookimpl
def register_execution_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="runpod",
            target="hpo_torch_runpod.backend:RunpodBackend",
            summary="Jobs on RunPod's serverless GPUs, rented by the second.",
            requires=("runpod", "tenacity"),
            extra="hpo-torch[runpod]",
            where="RunPod serverless GPUs",
            remote=True,
            auto="hpo_torch_runpod.preflight:readiness",
        )
    ]


@hookimpl
def register_commands() -> list[CommandSpec]:
    return [
        CommandSpec(
            name="runpod",
            target="hpo_torch_runpod.cli:app",
            summary="Endpoints, costs and logs of RunPod's serverless GPUs.",
        )
    ]
