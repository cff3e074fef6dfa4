"""events.jsonl: every event of a run, numbered from 1, one JSON line each, only ever appended."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, Self, TypeVar

from pydantic import ValidationError

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import Event, parse_event
from hpo_torch.results.atomic_files import append_whole, output_error

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from hpo_torch.protocol.events import AnyEvent

EventT = TypeVar("EventT", bound=Event)

# What a line says of these can be read without parsing it.
LINE_TIME: Final = re.compile(rb'"time":"([^"]*)"')
LINE_KIND: Final = re.compile(rb'"kind":"([a-z_]*)"')
LINE_ATTEMPT: Final = re.compile(rb'"attempt":"([^"]*)"')


def read_events(path: Path, kind: str | None = None) -> list[AnyEvent]:
    """Return the events, or those of one kind, in order, also while the run goes on.

    A last line without its line end is being written, or a crash tore it: it is no event yet.

    Raises:
        OutputError: The file cannot be read, or a line is no event; the message names both.
    """
    wanted = b"" if kind is None else f'"{kind}"'.encode()  # a few of many lines: parse only those
    lines = enumerate(_whole_lines(path), 1)
    events = [parse_line(path, number, line) for number, line in lines if wanted in line]
    return [event for event in events if kind in (None, event.kind)]


def _whole_lines(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise output_error("read", path, error) from error
    return content.split(b"\n")[:-1]


def parse_line(path: Path, number: int, line: bytes) -> AnyEvent:
    """Read a log's line, the number of which is from 1; raises OutputError if it is no event."""
    try:
        return parse_event(line)
    except ValidationError as error:
        raise OutputError(
            f"{path}, line {number}: {error.errors()[0]['msg']}. The file was changed by hand, "
            "or written by another version; restore or remove it."
        ) from error


class EventLog:
    """The one writer of a run's events.jsonl; a reopened log continues its numbers.

    A line torn by a crash is cut when the log is opened, and one torn by a full disk at once, so
    that the next event never continues it.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises OutputError where it cannot be read or written."""
        self._path = path
        lines = _whole_lines(path) if path.exists() else []
        self._last = parse_line(path, len(lines), lines[-1]).seq if lines else 0
        self._size = sum(len(line) + 1 for line in lines)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
            self._file.truncate(self._size)
        except OSError as error:
            raise output_error("write", path, error) from error

    def append(self, event: EventT) -> EventT:
        """Number the event, store it, and return it as stored.

        Raises:
            OutputError: The line could not be written; the log is as it was.
        """
        numbered = event.model_copy(update={"seq": self._last + 1})
        line = numbered.model_dump_json().encode() + b"\n"
        try:
            append_whole(self._file.fileno(), line, self._size)
        except OSError as error:
            raise output_error("write", self._path, error) from error
        self._last, self._size = numbered.seq, self._size + len(line)
        return numbered

    def close(self) -> None:
        """Make sure that everything is on disk, and close the file; may be called twice."""
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise output_error("write", self._path, error) from error
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
