"""Hands new events of jobs to any number of watchers, reading each job's log once."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_runs import RunPaths
from hpo_torch_server.feed import Feed
from hpo_torch_server.growing_log import GrowingLog
from hpo_torch_server.problems import Problem
from hpo_torch_server.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLL_SECONDS: Final = 0.25
WATCHERS_PER_OWNER: Final = 500
_KNOWN_LOGS: Final = 16
"""So many logs that nobody watches any more are not read anew when somebody comes back."""


class EventHub:
    """All jobs that are watched now; a job that nobody watches costs nothing.

    Of one event loop, in which all of its methods are called.

    Args:
        output_dir: Folder of the runs.
        state_of: Returns the state of a job, None where there is none; called in threads.
        poll_seconds: Between two looks at a watched job.
        per_owner: Watchers that one owner may have at once.
    """

    def __init__(
        self,
        output_dir: Path,
        state_of: Callable[[str], str | None],
        *,
        poll_seconds: float = POLL_SECONDS,
        per_owner: int = WATCHERS_PER_OWNER,
    ) -> None:
        self._output_dir, self._state_of = output_dir, state_of
        self._poll_seconds, self._per_owner = poll_seconds, per_owner
        self._feeds: dict[str, _Watched] = {}
        self._logs: OrderedDict[str, GrowingLog] = OrderedDict()
        self._owners: Counter[str] = Counter()
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many there are now."""
        return self._owners.total()

    def watch(self, job: str, owner: str, after: int = 0) -> Watcher:
        """Begin to watch a job; `close` the watcher in the end.

        Args:
            job: Its id, of a job that the caller may see.
            owner: Who watches.
            after: Number of the last event that the caller has; 0 is none.

        Raises:
            Problem: 429: the owner has too many watchers. 503: the server stops.
        """
        if self._closed:
            raise Problem(503, "", "the server is stopping; come again when it is back", "stopping")
        if self._owners[owner] >= self._per_owner:
            detail = (
                f"{self._per_owner} watchers of one owner are the most, and all are there: "
                "close one of them, or let one hand on what it hears"
            )
            raise Problem(429, "", detail, "watchers")
        watched = self._feeds.get(job) or self._begin(job)
        watcher = Watcher(watched.feed, after, partial(self._leave, job, owner))
        watched.watchers.add(watcher)
        self._owners[owner] += 1
        return watcher

    def close(self) -> None:
        """End every stream, because the server stops; may be called twice."""
        self._closed = True
        for watched in self._feeds.values():
            watched.looking.cancel()
            watched.feed.close()

    def _begin(self, job: str) -> _Watched:
        path = RunPaths(self._output_dir / job).events
        log = self._logs.pop(job, None) or GrowingLog(path)
        feed = Feed(log, path, partial(self._state_of, job))
        self._feeds[job] = _Watched(feed, asyncio.create_task(feed.follow(self._poll_seconds)))
        return self._feeds[job]

    def _leave(self, job: str, owner: str, watcher: Watcher) -> None:
        self._owners[owner] -= 1
        self._owners += Counter()  # forgets who has none
        watched = self._feeds[job]
        watched.watchers.discard(watcher)
        if not watched.watchers:
            watched.looking.cancel()
            del self._feeds[job]
            self._remember(job, watched.feed.log)

    def _remember(self, job: str, log: GrowingLog) -> None:
        self._logs[job] = log
        while len(self._logs) > _KNOWN_LOGS:
            self._logs.popitem(last=False)


class _Watched:
    """A job's feed, the task that looks, and who watches."""

    def __init__(self, feed: Feed, looking: asyncio.Task[None]) -> None:
        self.feed, self.looking = feed, looking
        self.watchers: set[Watcher] = set()
