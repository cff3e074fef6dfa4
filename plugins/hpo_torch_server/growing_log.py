"""events.jsonl by its numbers while it grows: any line of it, without parsing one."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from hpo_torch_server.event_line import EventLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK_BYTES: Final = 4 << 20
"""So much is read at a time of a log that is long already."""
BATCH_BYTES: Final = 256 << 10
"""So much is handed out at a time, or one line."""
RECENT_EVENTS: Final = 2_000
RECENT_BYTES: Final = 8 << 20
_HEAD_BYTES: Final = 256


class LogChangedError(Exception):
    """The log is not the one that was read before: it was replaced, cut or removed."""


class GrowingLog:
    """One log: where each line ends, and the last lines themselves.

    A line is read once it has its end. One without is being written, or a crash tore it, and then
    the next writer cuts it off: it is looked at again next time.

    Threads may share it.

    Args:
        path: The log; may not be there yet.

    Attributes:
        last: Number of the last line that was read; 0 before the first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends = array("Q", [0])  # of line n, in bytes: 8 bytes each
        self._head = b""  # how the first line begins: its time tells one run from another
        self._recent: tuple[EventLine, ...] = ()  # replaced, never changed: readers need no lock
        self._reading = threading.Lock()
        self.last = 0

    def advance(self) -> bool:
        """Read on, by one chunk at most; False where nothing was added.

        Raises:
            LogChangedError: It is another log by now.
            OSError: It cannot be read.
        """
        with self._reading:
            content = self._added()
            if not content:
                return False
            lines = content.split(b"\n")[:-1]
            new = tuple(EventLine(seq, raw) for seq, raw in enumerate(lines, self.last + 1))
            self._head = self._head or content[: min(_HEAD_BYTES, len(lines[0]) + 1)]
            for line in new:
                self._ends.append(self._ends[-1] + len(line.raw) + 1)
            self._recent = _newest(self._recent + new)
            self.last = new[-1].seq  # after the rest: who sees it finds the line
            return True

    def recent(self, after: int) -> list[EventLine] | None:
        """Return the next lines from memory, one batch at most; None where they are older."""
        recent = self._recent
        if not recent or after + 1 < recent[0].seq:
            return None
        batch, size = [], 0
        for line in recent[after + 1 - recent[0].seq :]:
            batch.append(line)
            size += len(line.raw)
            if size >= BATCH_BYTES:
                break
        return batch

    def read(self, after: int) -> list[EventLine]:
        """Return the next lines from the file, one batch at most; `after` is below `last`.

        Raises:
            LogChangedError: It is another log by now.
            OSError: It cannot be read.
        """
        start = self._ends[after]
        end = bisect_right(self._ends, start + BATCH_BYTES, after + 1, self.last + 1) - 1
        end = max(end, after + 1)
        with self._opened() as log:
            log.seek(start)
            content = log.read(self._ends[end] - start)
        if len(content) < self._ends[end] - start:
            raise LogChangedError
        return [EventLine(seq, raw) for seq, raw in enumerate(content.split(b"\n")[:-1], after + 1)]

    def _added(self) -> bytes:
        """Return the whole lines behind the last one, of about one chunk."""
        known = self._ends[-1]
        try:
            if self._path.stat().st_size == known:
                return b""
            with self._opened() as log:
                if log.seek(0, 2) < known:
                    raise LogChangedError
                log.seek(known)
                content = log.read(CHUNK_BYTES) + log.readline()
        except FileNotFoundError:
            if known:
                raise LogChangedError from None
            return b""
        return content[: content.rfind(b"\n") + 1]

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """Yield the log if it still is the same."""
        try:
            with self._path.open("rb") as log:
                if log.read(len(self._head)) != self._head:
                    raise LogChangedError
                yield log
        except FileNotFoundError:
            if self._head:
                raise LogChangedError from None
            raise


def _newest(lines: tuple[EventLine, ...]) -> tuple[EventLine, ...]:
    """Drop old lines above the bounds of what is kept in memory."""
    kept, size = 0, 0
    for line in reversed(lines[-RECENT_EVENTS:]):
        size += len(line.raw)
        if size > RECENT_BYTES and kept:
            break
        kept += 1
    return lines[-kept:]
