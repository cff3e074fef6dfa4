"""events.jsonl as it grows, read by another process than the one that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import parse_event
from hpo_torch.results.atomic_files import output_error

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.events import AnyEvent


class EventTail:
    """Follows one event log.

    A line is read once it has its end. One without is being written, or a crash tore it, and then
    the next writer cuts it off: it is looked at again next time.

    Args:
        path: The log; may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def new(self) -> list[AnyEvent]:
        """Return the events that were added since the last call.

        Raises:
            OutputError: The log cannot be read, was replaced by a shorter one, or a line is no
                event.
        """
        content = self._new_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        first = self._read
        self._read += len(whole)
        return [self._parse(line, first) for line in whole.splitlines()]

    def _new_bytes(self) -> bytes:
        try:
            with self._path.open("rb") as log:
                if log.seek(0, 2) < self._read:
                    raise OutputError(f"{self._path} was replaced while it was read; start again")
                log.seek(self._read)
                return log.read()
        except FileNotFoundError:
            if self._read:
                raise OutputError(f"{self._path} was removed while it was read") from None
            return b""
        except OSError as error:
            raise output_error("read", self._path, error) from error

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
