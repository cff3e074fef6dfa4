"""What this plugin registers; imports nothing heavy."""

from __future__ import annotations

from hpo_torch.plugin_api import CommandSpec, hookimpl


@hookimpl
def register_commands() -> list[CommandSpec]:
    return [
        CommandSpec(
            name="serve",
            target="hpo_torch_server.cli:app",
            summary="The REST API: start, watch, stop and fetch searches from anywhere.",
            extra="hpo-torch[server]",
        ),
        CommandSpec(
            name="remote",
            target="hpo_torch_server.client.cli:app",
            summary="Searches on another machine that runs `hpo-torch serve`.",
            extra="hpo-torch[server]",
        ),
    ]
