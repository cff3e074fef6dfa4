"""What every epoch of a trial measured, health details included: read from the event log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hpo_torch.protocol.events import EpochFinished
from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.event_log import parse_line

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.results.records import TrialResult

# Lines are found by these, and parsed only when asked for: a line of a long search has 7 KB.
_ATTEMPT = re.compile(rb'"trial":(\d+),"attempt":"([^"]*)"')
_EPOCH = b'"kind":"epoch_finished"'


class _Line(NamedTuple):
    """Where a line is."""

    number: int
    offset: int
    length: int


class EpochRecords:
    """The epochs in one or more event logs; indexed once, however many trials are asked for.

    Args:
        logs: Paths of events.jsonl, each numbering its own trials; those that are not there are
            passed over.

    Raises:
        OutputError: A log cannot be read.
    """

    def __init__(self, *logs: Path) -> None:
        # By log and trial: the lines of each attempt, attempts in the order in which they began.
        self._trials: dict[tuple[Path, int], dict[str, list[_Line]]] = {}
        for log in logs:
            if log.exists():
                self._index(log)

    def of(self, trial: TrialResult) -> list[EpochFinished]:
        """Return the epochs that led to the trial's result, by number.

        Those of earlier attempts are among them, whether these were retried or interrupted. Where a
        later attempt trained an epoch again, it and all after it are the later attempt's.

        Raises:
            OutputError: The log cannot be read, or a line of the trial's epochs is no event.
        """
        for (log, number), attempts in self._trials.items():
            if number == trial.trial and trial.attempt in attempts:
                return self._read(log, attempts, trial.attempt)
        return []

    def _read(self, log: Path, attempts: dict[str, list[_Line]], last: str) -> list[EpochFinished]:
        by_number: dict[int, EpochFinished] = {}
        try:
            with log.open("rb") as file:
                for attempt, lines in attempts.items():
                    found = {}
                    for line in lines:
                        file.seek(line.offset)
                        event = parse_line(log, line.number, file.read(line.length))
                        if isinstance(event, EpochFinished):
                            found[event.metrics.epoch] = event
                    first = min(found, default=None)
                    if first is not None:
                        by_number = {n: e for n, e in by_number.items() if n < first} | found
                    if attempt == last:
                        break
        except OSError as error:
            raise output_error("read", log, error) from error
        return [by_number[number] for number in sorted(by_number)]

    def _index(self, log: Path) -> None:
        offset = 0
        try:
            with log.open("rb") as file:
                for number, text in enumerate(file, 1):
                    found = _ATTEMPT.search(text)
                    if found and text.endswith(b"\n"):  # who writes next drops a torn last line
                        attempts = self._trials.setdefault((log, int(found[1])), {})
                        lines = attempts.setdefault(found[2].decode(), [])
                        if _EPOCH in text:
                            lines.append(_Line(number, offset, len(text)))
                    offset += len(text)
        except OSError as error:
            raise output_error("read", log, error) from error
