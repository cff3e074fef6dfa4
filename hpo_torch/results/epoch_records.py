"""What every epoch of a trial measured, health details included: read from the event log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import EpochFinished, TrialRetried, parse_event
from hpo_torch.results.atomic_files import output_error

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.results.records import TrialResult

# Lines are found by these, and parsed only when asked for: a line of a long search has 7 KB.
_ATTEMPT = re.compile(rb'"attempt":"([^"]*)"')
_KINDS = (b'"kind":"epoch_finished"', b'"kind":"trial_retried"')


class EpochRecords:
    """The epochs in one or more event logs; read once, however many trials are asked for.

    Args:
        logs: Paths of events.jsonl; those that are not there are passed over.

    Raises:
        OutputError: A log cannot be read.
    """

    def __init__(self, *logs: Path) -> None:
        self._lines: dict[str, list[bytes]] = {}
        for log in logs:
            if log.exists():
                self._index(log)
        retried = (
            event
            for lines in self._lines.values()
            for event in map(parse_event, (line for line in lines if _KINDS[1] in line))
            if isinstance(event, TrialRetried)
        )
        self._before = {event.next_attempt: event.attempt for event in retried}

    def of(self, trial: TrialResult) -> list[EpochFinished]:
        """Return the epochs that led to the trial's result, by number, those of retries included.

        An epoch that a later attempt trained again is the later attempt's.
        """
        by_number: dict[int, EpochFinished] = {}
        for attempt in reversed(self._chain(trial.attempt)):
            for line in self._lines.get(attempt, []):
                event = parse_event(line)
                if isinstance(event, EpochFinished):
                    by_number[event.metrics.epoch] = event
        return [by_number[number] for number in sorted(by_number)]

    def _index(self, log: Path) -> None:
        try:
            with log.open("rb") as file:
                for line in file:
                    attempt = _ATTEMPT.search(line)
                    whole = line.endswith(b"\n")  # a torn last line is dropped by who writes next
                    if attempt and whole and any(kind in line for kind in _KINDS):
                        self._lines.setdefault(attempt[1].decode(), []).append(line)
        except OSError as error:
            raise output_error("read", log, error) from error

    def _chain(self, attempt: str) -> list[str]:
        """Return the attempt and those before it, latest first."""
        chain = [attempt]
        while (earlier := self._before.get(chain[-1])) is not None and earlier not in chain:
            chain.append(earlier)
        return chain
