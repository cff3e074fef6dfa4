"""events.jsonl: every event of a run, numbered from 1, one JSON line each, only ever appended."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, Self, TypeVar

from pydantic import ValidationError

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import Event, parse_event
from hpo_torch.results.atomic_files import append_whole, output_error
from hpo_torch.results.whole_lines import end_of_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from hpo_torch.protocol.events import AnyEvent

EventT = TypeVar("EventT", bound=Event)

# What a line says of these can be read without parsing it.
LINE_TIME: Final = re.compile(rb'"time":"([^"]*)"')
LINE_KIND: Final = re.compile(rb'"kind":"([a-z_]*)"')
LINE_ATTEMPT: Final = re.compile(rb'"attempt":"([^"]*)"')
LINE_TRIAL: Final = re.compile(rb'"trial":(\d+)')

_OF_TRAININGS: Final = frozenset({b"trial_started", b"epoch_finished", b"health_alert"})


def read_events(path: Path, kind: str | None = None) -> list[AnyEvent]:
    """Return the events, or those of one kind, in order, also while the run goes on.

    A last line without its line end is being written, or a crash tore it: it is no event yet.

    Raises:
        OutputError: The file cannot be read, or a line is no event; the message names both.
    """
    wanted = b"" if kind is None else f'"{kind}"'.encode()  # a few of many lines: parse only those
    lines = enumerate(whole_lines(path), 1)
    events = [parse_line(path, number, line) for number, line in lines if wanted in line]
    return [event for event in events if kind in (None, event.kind)]


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield a log's lines, each with its line end, one after the other; a torn last one is none.

    Raises:
        OutputError: The file cannot be read.
    """
    try:
        with path.open("rb") as log:
            for line in log:
                if not line.endswith(b"\n"):
                    return
                yield line
    except OSError as error:
        raise output_error("read", path, error) from error


def read_ends(path: Path) -> Iterator[AnyEvent]:
    """Yield the events but those of trainings that go on: what came of a run, and what it cost.

    Nearly all of a log's bytes are epochs, and those of ended trials are of no more use to who only
    goes on with a run.

    Raises:
        OutputError: As for `read_events`, of the lines that are read.
    """
    for number, line in enumerate(whole_lines(path), 1):
        kind = LINE_KIND.search(line)
        if kind is None or kind[1] not in _OF_TRAININGS:
            yield parse_line(path, number, line)


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
        self._last, self._size = _end_of(path) if path.exists() else (0, 0)
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


def _end_of(path: Path) -> tuple[int, int]:
    """Return the last event's number, and the bytes of all whole lines; only the end is read."""
    try:
        with path.open("rb") as log:
            size = end_of_lines(log, log.seek(0, os.SEEK_END))
            start = end_of_lines(log, size - 1) if size else 0
            log.seek(start)
            line = log.read(size - start)
    except OSError as error:
        raise output_error("read", path, error) from error
    if not line:
        return 0, 0
    try:
        return parse_event(line).seq, size
    except ValidationError:
        # All lines are counted only where one is to be named.
        return parse_line(path, sum(1 for _ in whole_lines(path)), line).seq, size
