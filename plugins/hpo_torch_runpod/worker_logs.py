"""Logs of an endpoint's workers, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hpo_torch.plugin_api import UnknownNameError, UsageError
from hpo_torch.plugin_cli import say

if TYPE_CHECKING:
    from hpo_torch_runpod.rest_api import RestApi

QUIET_SECONDS = 3.0
"""A log never ends while its worker lives: without a line for so long, what there is is printed."""


def print_logs(api: RestApi, endpoint: str, worker: str | None, *, tail: int, follow: bool) -> None:
    """Print the logs of an endpoint's workers on stdout.

    Args:
        api: RunPod.
        endpoint: Id of the endpoint.
        worker: Only this one's; None for all.
        tail: Lines from before.
        follow: Go on with what comes, until interrupted or the worker ends.

    Raises:
        UnknownNameError: There is no such worker now.
        UsageError: Several workers' logs cannot be followed at once.
        ApiError: RunPod does not give them.
    """
    there = [str(each["id"]) for each in api.workers(endpoint)]
    if worker is not None and worker not in there:
        raise UnknownNameError("worker", worker, there)
    chosen = there if worker is None else [worker]
    if not chosen:
        say(
            f"the endpoint {endpoint} has no workers now. Logs of earlier ones are in the console: "
            "https://console.runpod.io/serverless"
        )
    if follow and len(chosen) > 1:
        raise UsageError(f"runpod logs --follow: expected one --worker, of {', '.join(chosen)}.")
    for each in chosen:
        say(f"worker {each}:")
        quiet = None if follow else QUIET_SECONDS
        for line in api.worker_log(endpoint, each, tail=tail, quiet=quiet):
            typer.echo(line)
