"""Lines from the thread that trains to the event loop that sends."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

MOST_UNREAD = 64_000_000  # bytes; a trial says a few kilobytes an epoch


class Mailbox:
    """Keeps lines in order until they are taken; made and read on an event loop.

    The writer does not wait for the reader, unless far too much is unread: then it waits for room,
    since memory is finite too.

    Args:
        most_unread: Bytes from which on the writer waits.
    """

    def __init__(self, most_unread: int = MOST_UNREAD) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._changed = threading.Condition()
        self._most = most_unread
        self._lines: list[bytes] = []
        self._unread = 0
        self._closed = self._abandoned = False

    def put(self, line: bytes) -> None:
        """Add a line, from the writer's thread; once nobody reads any more it is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._unread < self._most or self._abandoned)
            if self._abandoned:
                return
            self._lines.append(line)
            self._unread += len(line)
        self._tell()

    def close(self) -> None:
        """Say that no more lines will come, from the writer's thread."""
        with self._changed:
            self._closed = True
        self._tell()

    def abandon(self) -> None:
        """Say that nobody reads any more: a writer that waits goes on."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    async def take(self) -> list[bytes] | None:
        """Wait for lines and return all there are; None once no more will come."""
        while True:
            self._news.clear()
            with self._changed:
                if self._lines:
                    lines, self._lines, self._unread = self._lines, [], 0
                    self._changed.notify_all()
                    return lines
                if self._closed:
                    return None
            await self._news.wait()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._news.set)
