"""One who watches a job: what it has seen, and what it is told next."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch_server.growing_log import LogChangedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch_server.event_line import EventLine
    from hpo_torch_server.feed import Feed


@dataclass(frozen=True, slots=True)
class Events:
    """The next events, at least one."""

    lines: list[EventLine]


@dataclass(frozen=True, slots=True)
class StateIs:
    """The job's state, at first and whenever it changes."""

    state: str


@dataclass(frozen=True, slots=True)
class Resync:
    """The last message: come again with this number.

    It is the last event's that the watcher has where it was too slow, and 0 where the numbers that
    it has are of a log that is no more.
    """

    after: int


@dataclass(frozen=True, slots=True)
class End:
    """The last message: the job has ended, and everything was told."""

    state: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The last message: the server stops; come again when it is back."""


Message = Events | StateIs | Resync | End | Closed


class Watcher:
    """Goes through a job's events at its own pace, and holds nobody else up.

    It has a number, not a queue: what it has not taken yet stays in the log. As long as it catches
    up with what was there before, it may take its time; once it has, falling behind by more than
    the feed keeps in memory makes it slow, and it is told to come again.

    Args:
        feed: What it watches.
        after: Number of the last event that it has already; 0 is none.
        leave: Called once, when it watches no longer.
    """

    def __init__(self, feed: Feed, after: int, leave: Callable[[Watcher], None]) -> None:
        self._feed, self._after, self._leave = feed, after, leave
        self._generation = feed.generation
        self._state: str | None = None
        self._live = False
        self._watching = True

    async def next(self, patience: float) -> Message | None:
        """Return what comes next; None where nothing came in `patience` seconds.

        Raises:
            OSError: The log cannot be read.
        """
        try:
            async with asyncio.timeout(patience):
                while True:
                    changed = self._feed.changed
                    message = await self._due()
                    if message is not None:
                        return message
                    await changed.wait()
        except TimeoutError:
            return None

    def close(self) -> None:
        """Watch no longer; may be called twice."""
        if self._watching:
            self._watching = False
            self._leave(self)

    async def _due(self) -> Message | None:
        feed = self._feed
        if feed.closed:
            return Closed()
        if self._generation != feed.generation and self._after:
            return Resync(0)
        self._generation = feed.generation
        if feed.state is None:
            return None
        if self._state is None and not feed.ended:
            return self._told_state(feed.state)
        if self._after < feed.log.last:
            return await self._events()
        return await self._at_the_end(feed.state) if feed.looked else None

    async def _at_the_end(self, state: str) -> Message | None:
        """Return what there is to say to who has every event that was read."""
        if self._after > self._feed.log.last:
            return await self._beyond()
        self._live = True
        if self._state != state:
            return self._told_state(state)
        return End(state) if self._feed.ended else None

    def _told_state(self, state: str) -> StateIs:
        self._state = state
        return StateIs(state)

    async def _events(self) -> Message:
        log = self._feed.log
        lines = log.recent(self._after)
        if lines is None:
            if self._live:
                return Resync(self._after)
            try:
                lines = await asyncio.to_thread(log.read, self._after)
            except LogChangedError:
                return Resync(0)
        self._after = lines[-1].seq
        return Events(lines)

    async def _beyond(self) -> Message | None:
        """Answer to a number above all: another reader's of a moment ago, or of another log."""
        await self._feed.look()
        return Resync(0) if self._after > self._feed.log.last else None
