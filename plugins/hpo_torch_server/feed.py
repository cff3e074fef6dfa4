"""What all watchers of one job share: its log as it grows, and its state."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from hpo_torch_server.growing_log import GrowingLog, LogChangedError
from hpo_torch_server.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DELETED: Final = "deleted"
"""What watchers are told of a job that is no more; no state that a job can be in."""

_log = logging.getLogger(__name__)


class Feed:
    """Looks at one job again and again, in threads, and wakes its watchers when anything is new.

    Args:
        log: The job's, maybe read to some line already.
        path: Of the log, for a new one in its place.
        state_of: Returns the job's state, None where there is no such job; called in threads.

    Attributes:
        log: What there is to read.
        generation: Rises when the log is another one: numbers of the old one mean nothing then.
        state: The job's; None at first. When it is one of an end, everything that the job wrote is
            in the log.
        looked: Whether all that there was at first is in the log.
        closed: Whether the server stops.
    """

    def __init__(self, log: GrowingLog, path: Path, state_of: Callable[[], str | None]) -> None:
        self.log, self.generation = log, 0
        self.state: str | None = None
        self.looked = self.closed = False
        self.changed = asyncio.Event()
        self._path, self._state_of = path, state_of
        self._looking = asyncio.Lock()
        self._told: tuple[object, ...] = ()
        self._trouble = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be expected of the job."""
        return self.state is not None and _is_end(self.state)

    async def follow(self, poll_seconds: float) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
                self._trouble = ""
            except Exception as error:  # the disk, or the database: the next look may do better
                self._complain(error)
            await asyncio.sleep(poll_seconds)

    async def look(self) -> None:
        """Find out what is new, and wake the watchers if anything is.

        Raises:
            Exception: What `state_of` raises; OSError where the log cannot be read.
        """
        async with self._looking:
            # The state first: at its end, a job has written everything before.
            state = await asyncio.to_thread(self._state_of) or DELETED
            if not _is_end(state):
                self.state = state
            while state != DELETED and await self._advance():
                self._wake()
            self.state, self.looked = state, True
            self._wake()

    def close(self) -> None:
        """Send every watcher away: the server stops."""
        self.closed = True
        self._ring()

    async def _advance(self) -> bool:
        try:
            return await asyncio.to_thread(self.log.advance)
        except LogChangedError:
            self.log, self.generation = GrowingLog(self._path), self.generation + 1
            return True

    def _wake(self) -> None:
        """Wake the watchers unless they have been told all that there is."""
        now = (self.generation, self.log.last, self.state, self.looked)
        if now != self._told:
            self._told = now
            self._ring()

    def _ring(self) -> None:
        rung, self.changed = self.changed, asyncio.Event()
        rung.set()

    def _complain(self, error: Exception) -> None:
        """Log an error, once until it is over."""
        if self._trouble != (text := f"{type(error).__name__}: {error}"):
            self._trouble = text
            _log.warning("%s cannot be watched for now: %s", self._path, text)


def _is_end(state: str) -> bool:
    return state == DELETED or state in ENDED
