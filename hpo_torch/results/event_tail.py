"""events.jsonl as it grows, read by another process than the one that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import parse_event
from hpo_torch.results.atomic_files import output_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hpo_torch.protocol.events import AnyEvent


class LineTail:
    """Follows the lines of one event log, which may be larger than memory.

    A line is read once it has its end. One without is being written, or a crash tore it, and then
    the next writer cuts it off: it is looked at again next time.

    Args:
        path: The log; may not be there yet.
        at_once: Bytes that are read at once; a longer line is read whole all the same.

    Attributes:
        read: Bytes of the lines that have been handed out.
    """

    def __init__(self, path: Path, at_once: int = 1 << 22) -> None:
        self._path, self._at_once = path, at_once
        self.read = 0

    def new(self) -> Iterator[bytes]:
        """Yield the lines that were added since the last call, each with its line end.

        Raises:
            OutputError: The log cannot be read, was removed, or was replaced by a shorter one.
        """
        try:
            with self._path.open("rb") as log:
                if log.seek(0, 2) < self.read:
                    raise OutputError(f"{self._path} was replaced while it was read; start again")
                log.seek(self.read)
                while lines := log.readlines(self._at_once):
                    for line in lines:
                        if not line.endswith(b"\n"):
                            return
                        self.read += len(line)
                        yield line
        except FileNotFoundError:
            if self.read:
                raise OutputError(f"{self._path} was removed while it was read") from None
        except OSError as error:
            raise output_error("read", self._path, error) from error


class EventTail:
    """Follows the events of one log; see `LineTail`.

    Args:
        path: The log; may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = LineTail(path)

    def new(self) -> list[AnyEvent]:
        """Return the events that were added since the last call.

        Raises:
            OutputError: The log cannot be read, was replaced by a shorter one, or a line is no
                event.
        """
        first = self._lines.read
        return [self._parse(line, first) for line in list(self._lines.new())]

    def _parse(self, line: bytes, first: int) -> AnyEvent:
        try:
            return parse_event(line)
        except ValidationError as error:
            raise OutputError(
                f"{self._path}, behind byte {first}: {error.errors()[0]['msg']}. The file was "
                "changed by hand, or written by another version."
            ) from error


class RunTail:
    """Follows a run: its search, and the confirmation of its best trials, which has its own log.

    Args:
        search: The search's log.
        confirmation: The confirmation's; may never come to be.
    """

    def __init__(self, search: Path, confirmation: Path) -> None:
        self._tails = EventTail(search), EventTail(confirmation)

    def new(self) -> list[AnyEvent]:
        """Return the events that were added to either since the last call, in order of time.

        Raises:
            OutputError: As for `EventTail`.
        """
        # The confirmation's log is read last: when the search's end has been read, all that the
        # confirmation said, which came before, is there.
        events = [event for tail in self._tails for event in tail.new()]
        return sorted(events, key=lambda event: event.time)
