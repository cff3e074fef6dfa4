"""From a command's URL and key to a connection; light, as every start of the program reads it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from hpo_torch.plugin_cli import warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    from hpo_torch_server.client.connection import Connection
    from hpo_torch_server.client.target import Target

USUAL_PATIENCE_SECONDS = 60.0
"""How long one request is repeated while errors say that it may succeed later."""


def the_target(context: typer.Context) -> Target:
    """Return the server that a command was given: `hpo-torch remote URL COMMAND`."""
    return cast("Target", context.obj)


@contextmanager
def connected(target: Target, patience: float | None = None) -> Iterator[Connection]:
    """Yield a connection; nothing is sent yet.

    Args:
        target: The server.
        patience: Seconds for which a request is repeated; None for the usual ones.

    Raises:
        MissingDependencyError: A package that it needs is not installed.
    """
    from hpo_torch_server.client.connection import Connection

    if target.key_is_readable:
        warn(f"the API key goes to {target.url} unencrypted, for all in between to read; use https")
    with Connection(target, patience=patience or USUAL_PATIENCE_SECONDS) as connection:
        yield connection
