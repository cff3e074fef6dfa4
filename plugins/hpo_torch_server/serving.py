"""A server from its start to its end: refuses what is not safe, listens, and stops at once."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

import uvicorn

from hpo_torch.plugin_api import UsageError
from hpo_torch.plugin_runs import environment_layer, resolve_config
from hpo_torch_server.app import PREFIX, create_app
from hpo_torch_server.stopping import PromptServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from fastapi import FastAPI

    from hpo_torch_server.context import Server
    from hpo_torch_server.settings import ServerSettings

KEEP_ALIVE_SECONDS: Final = 30
SHUTDOWN_SECONDS: Final = 5
CONNECTIONS: Final = 2000
MESSAGE_BYTES: Final = 65_536
"""Of a WebSocket's message; clients have nothing to say."""
NICENESS: Final = 10
"""Of the server, above what it was started with: a training beside it goes first."""


def run_server(settings: ServerSettings, say: Callable[[str], None]) -> None:
    """Serve until a signal comes; the processes of jobs go on.

    Args:
        settings: Of the server.
        say: Takes one line for people.

    Raises:
        UsageError: The host needs a key and there is none, the port is taken, another server works
            on the folder, or HPO_TORCH_... names no setting.
        OutputError: The folder cannot be written.
        StorageError: The database cannot be used.
    """
    resolve_config([environment_layer()])  # jobs take it over; not only the first one finds out
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    app = create_app(settings)
    server: Server = app.state.server
    try:
        check_exposure(server)
        config = uvicorn_config(app, settings)
        running = PromptServer(config, server.hub.close)
        # Signals are captured twice: uvicorn hands them on when it has stopped, but we have not.
        with (
            running.capture_signals(),
            asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
        ):
            runner.run(_serve(app, running, say))
    finally:
        server.database.dispose()


def check_exposure(server: Server) -> None:
    """Refuse to be reached from other machines without a key.

    Raises:
        UsageError: The host is not loopback, and there is no usable key.
    """
    settings = server.settings
    if settings.loopback or server.keys.usable():
        return
    raise UsageError(
        f"host {settings.host} can be reached from other machines, so callers need API keys, and "
        "there is none. Make one: hpo-torch serve keys add --owner NAME --scope admin --output-dir "
        f"{settings.output_dir}; or serve on 127.0.0.1."
    )


def uvicorn_config(app: FastAPI, settings: ServerSettings) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    return uvicorn.Config(
        app,
        host=settings.host.strip("[]"),
        port=settings.port,
        lifespan="off",  # ours, so that its errors are ours
        log_config=None,
        log_level="warning",
        access_log=False,  # what matters is in the audit log
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        limit_concurrency=CONNECTIONS,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # each event would be compressed once for every watcher
    )


async def _serve(app: FastAPI, running: PromptServer, say: Callable[[str], None]) -> None:
    server: Server = app.state.server
    settings = server.settings
    with _listening(running.config) as listener:
        async with app.router.lifespan_context(app):
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            keys = "no key is needed" if settings.loopback and server.keys.empty() else "with keys"
            give_way()
            say(f"serving {settings.output_dir} at http://{shown}:{port}{PREFIX}, {keys}")
            await running.serve(sockets=[listener])


def give_way() -> None:
    """Lower this thread's priority, and so that of all threads that it starts from now on.

    The supervisor's thread has been started by then: jobs, which it starts, have the priority that
    the server was started with. Only Linux gives threads priorities of their own; elsewhere nothing
    is done, as jobs could not be lifted again.
    """
    if sys.platform == "linux":
        os.nice(NICENESS)


def _listening(config: uvicorn.Config) -> socket.socket:
    """Return a socket that listens; raises UsageError where the port is taken."""
    import socket

    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (config.host, config.port), family=family, backlog=config.backlog
        )
    except OSError as error:
        raise UsageError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}. Choose "
            "another one: --port, 0 for any that is free; --host."
        ) from error
    listener.setblocking(False)
    return listener
