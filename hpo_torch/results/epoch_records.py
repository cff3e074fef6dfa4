"""What every epoch of a trial measured, health details included: read from the event log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hpo_torch.protocol.events import EpochFinished, TrialRetried
from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.event_log import parse_line

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.records import TrialResult

# Lines are found by these, and parsed only when asked for: a line of a long search has 7 KB.
_ATTEMPT = re.compile(rb'"attempt":"([^"]*)"')
_EPOCH, _RETRIED = b'"kind":"epoch_finished"', b'"kind":"trial_retried"'


class _Line(NamedTuple):
    log: Path
    number: int
    text: bytes

    def event(self) -> AnyEvent:
        return parse_line(self.log, self.number, self.text)


class EpochRecords:
    """The epochs in one or more event logs; read once, however many trials are asked for.

    Args:
        logs: Paths of events.jsonl; those that are not there are passed over.

    Raises:
        OutputError: A log cannot be read, or a line that is needed is no event.
    """

    def __init__(self, *logs: Path) -> None:
        self._epochs: dict[str, list[_Line]] = {}
        self._before: dict[str, str] = {}
        for log in logs:
            if log.exists():
                self._index(log)

    def of(self, trial: TrialResult) -> list[EpochFinished]:
        """Return the epochs that led to the trial's result, by number, those of retries included.

        Where a later attempt trained an epoch again, it and all after it are the later attempt's.

        Raises:
            OutputError: A line of the trial's epochs is no event.
        """
        by_number: dict[int, EpochFinished] = {}
        for attempt in reversed(self._chain(trial.attempt)):
            events = [line.event() for line in self._epochs.get(attempt, [])]
            found = {e.metrics.epoch: e for e in events if isinstance(e, EpochFinished)}
            first = min(found, default=None)
            if first is not None:
                by_number = {n: event for n, event in by_number.items() if n < first} | found
        return [by_number[number] for number in sorted(by_number)]

    def _index(self, log: Path) -> None:
        try:
            with log.open("rb") as file:
                for number, text in enumerate(file, 1):
                    if text.endswith(b"\n"):  # a torn last line is dropped by who writes next
                        self._add(_Line(log, number, text))
        except OSError as error:
            raise output_error("read", log, error) from error

    def _add(self, line: _Line) -> None:
        if _EPOCH in line.text:
            if attempt := _ATTEMPT.search(line.text):
                self._epochs.setdefault(attempt[1].decode(), []).append(line)
        elif _RETRIED in line.text:
            event = line.event()
            if isinstance(event, TrialRetried):
                self._before[event.next_attempt] = event.attempt

    def _chain(self, attempt: str) -> list[str]:
        """Return the attempt and those before it, latest first."""
        chain = [attempt]
        while (earlier := self._before.get(chain[-1])) is not None and earlier not in chain:
            chain.append(earlier)
        return chain
