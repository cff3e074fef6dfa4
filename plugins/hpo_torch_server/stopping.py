"""A server that stops at once, although its streams would go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


class PromptServer(uvicorn.Server):
    """uvicorn waits for every answer to be sent before it tells the application to stop.

    A stream of events has no end by itself, so it is told before.

    Args:
        config: uvicorn's.
        before: Called when the server begins to stop, in the event loop; ends streams.
    """

    def __init__(self, config: uvicorn.Config, before: Callable[[], None]) -> None:
        super().__init__(config)
        self._before = before

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, and then what uvicorn does."""
        self._before()
        await super().shutdown(sockets)
