"""What one event log says of a run: the trials in training, who leads, and how it ended."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import OutputError
from hpo_torch.plugin_runs import LINE_KIND, LINE_TIME, parse_line
from hpo_torch.protocol.events import (
    EpochFinished,
    HealthAlert,
    StudyFinished,
    StudyStarted,
    TrialRetried,
    TrialStarted,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.protocol.measurements import EpochMetrics

KEPT_ALERTS: Final = 20
_TRIAL: Final = re.compile(rb'"trial":(\d+)')
# These stand before anything that is free text.
_STATE: Final = re.compile(rb'"state":"([a-z]+)"')
_LEADER: Final = re.compile(rb'"leader":(\d+|null)')
# Of the others, thousands have 7 KB each: they are parsed when they are asked for, if ever.
_PARSED: Final = frozenset({b"study_started", b"study_finished", b"trial_retried", b"health_alert"})
_UNREAD: Final = frozenset({b"trial_started", b"epoch_finished"})


@dataclass(slots=True)
class OpenTrial:
    """A trial that has begun and not ended; `read` brings it up to date.

    Attributes:
        started: Its last `trial_started`; None where it has not begun to train.
        since: When its first attempt began to train, UTC, ISO 8601; "" where it has not.
        training: Whether it trains, as far as the log says.
        retries: Attempts that ended early.
        alerts: Its last health alerts, oldest first.
        curve: Its epochs so far, those of earlier attempts included, by number.
        last: Its newest epoch.
        unread: Lines of the log that are not taken in yet, with their numbers.
    """

    number: int
    started: TrialStarted | None = None
    since: str = ""
    training: bool = True
    retries: int = 0
    alerts: deque[HealthAlert] = field(default_factory=lambda: deque(maxlen=KEPT_ALERTS))
    curve: list[EpochMetrics] = field(default_factory=list)
    last: EpochFinished | None = None
    unread: list[tuple[int, bytes]] = field(default_factory=list)

    def read(self, path: Path) -> OpenTrial:
        """Take in what has come since the last call.

        Args:
            path: The log, for messages.

        Raises:
            OutputError: A line is no event.
        """
        for number, line in self.unread:
            event = parse_line(path, number, line)
            if isinstance(event, TrialStarted):
                self.started = event
                self.since = self.since or event.time
            elif isinstance(event, EpochFinished):
                # What a later attempt trains again is the later attempt's.
                kept = [each for each in self.curve if each.epoch < event.metrics.epoch]
                self.curve, self.last = [*kept, event.metrics], event
        self.unread.clear()
        return self

    def copy(self) -> OpenTrial:
        """Return a copy that stays as it is."""
        return replace(self, alerts=self.alerts.copy(), curve=list(self.curve), unread=[])


class EventFold:
    """Folds the lines of a log, each once.

    Attributes:
        path: The log, for messages.
        seq: Number of the last event.
        ended_seq: Number of the last `trial_finished`.
        begun: The last `study_started`.
        finished: How the study ended; None while it has not.
        leader: Number of the trial that leads; None before one has completed.
        counts: Ended trials by state.
        open: Trials that have begun and not ended, by number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seq = self.ended_seq = 0
        self.begun: StudyStarted | None = None
        self.finished: StudyFinished | None = None
        self.leader: int | None = None
        self.counts: Counter[str] = Counter()
        self.open: dict[int, OpenTrial] = {}
        self._ended: dict[int, str] = {}
        self._new: list[int] = []
        self._spans: list[tuple[datetime, datetime]] = []
        self._first_time = self._last_time = b""

    def hear(self, line: bytes) -> None:
        """Take in the log's next line.

        Raises:
            OutputError: It is no event.
        """
        self.seq += 1
        kind = LINE_KIND.search(line)
        name = kind[1] if kind else b""
        if name in _PARSED or kind is None:
            self._take_in(parse_line(self.path, self.seq, line))
        elif (trial := _TRIAL.search(line)) is not None:
            self._hear_trial(name, int(trial[1]), line)
        self._note_time(line, begins=name == b"study_started")

    def take_ended(self) -> list[int]:
        """Return the trials whose end has been heard of since the last call."""
        new, self._new = self._new, []
        return new

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        """When each process worked on it, from its first event to its last."""
        if not self._first_time:
            return []
        return [*self._spans, (_moment(self._first_time), _moment(self._last_time))]

    def _note_time(self, line: bytes, *, begins: bool) -> None:
        found = LINE_TIME.search(line)
        if found is None:
            return
        if begins and self._first_time:
            self._spans.append((_moment(self._first_time), _moment(self._last_time)))
            self._first_time = b""
        self._first_time = self._first_time or found[1]
        self._last_time = found[1]

    def _hear_trial(self, kind: bytes, number: int, line: bytes) -> None:
        if kind in _UNREAD:
            trial = self._opened(number)
            trial.unread.append((self.seq, line))
            trial.training = True
        elif kind == b"training_finished" and number in self.open:
            self.open[number].training = False  # what is left of it is for another process
        elif kind == b"trial_finished":
            self._end(number, line)

    def _take_in(self, event: AnyEvent) -> None:
        if isinstance(event, StudyStarted):
            self.begun, self.finished = event, None
            self._nobody_trains()
        elif isinstance(event, StudyFinished):
            self.finished = event
            self._nobody_trains()
        elif isinstance(event, TrialRetried):
            self._opened(event.trial).retries += 1
        elif isinstance(event, HealthAlert):
            self._opened(event.trial).alerts.append(event)

    def _opened(self, number: int) -> OpenTrial:
        return self.open.setdefault(number, OpenTrial(number))

    def _end(self, number: int, line: bytes) -> None:
        state, leader = _STATE.search(line), _LEADER.search(line)
        if state is None or leader is None:
            raise OutputError(f"{self.path}, line {self.seq}: a trial's end has no state or leader")
        self.open.pop(number, None)
        before = self._ended.get(number)
        if before is not None:  # told again by who went on after a crash
            self.counts[before] -= 1
        self._ended[number] = state[1].decode()
        self.counts[self._ended[number]] += 1
        self.leader = None if leader[1] == b"null" else int(leader[1])
        self.ended_seq = self.seq
        self._new.append(number)

    def _nobody_trains(self) -> None:
        for trial in self.open.values():
            trial.training = False


def _moment(time: bytes) -> datetime:
    return datetime.fromisoformat(time.decode())
