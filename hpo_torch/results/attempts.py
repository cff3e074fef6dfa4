"""When each attempt at a trial trained, where, and how it ended: read from the event log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from hpo_torch.protocol.events import TrialFinished, TrialRetried, TrialStarted
from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.event_log import LINE_ATTEMPT, LINE_KIND, LINE_TIME, parse_line
from hpo_torch.results.worked_time import hear

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hpo_torch.protocol.events import AnyEvent

Ending = Literal["complete", "pruned", "failed", "retried", "unfinished"]

_SEARCHED: Final = (LINE_TIME, LINE_KIND, LINE_ATTEMPT)
# Others are only looked at for when they happened: an epoch's line has 7 KB.
_PARSED: Final = frozenset(
    {b"study_started", b"trial_started", b"trial_retried", b"trial_finished"}
)
# What a bill says may come in the next process.
_NO_SIGN_OF_LIFE: Final = b"attempt_settled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a trial.

    Attributes:
        trial: Number of the trial.
        attempt: Its id.
        worker: Who trained it; None where it ended before its training began.
        began: When its training began; where it did not, when it ended.
        ended: When its end was decided; of an unfinished one, when it was last heard of.
        ending: The trial's state; "retried" where another attempt took over; "unfinished" where
            the process ended before, or the training goes on.
    """

    trial: int
    attempt: str
    worker: str | None
    began: datetime
    ended: datetime
    ending: Ending = "unfinished"


@dataclass(slots=True)
class Attempts:
    """What an event log says of a run's attempts.

    Attributes:
        attempts: In the order in which they were first heard of.
        spans: When each process worked on the run: from its first event to its last.
    """

    attempts: list[Attempt] = field(default_factory=list)
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)


def read_attempts(log: Path) -> Attempts:
    """Read when each attempt trained; nothing where there is no log.

    A last line without its line end is being written, or a crash tore it: it is no event yet.

    Raises:
        OutputError: The log cannot be read, or a line is no event; the message names both.
    """
    reader = _Reader(log)
    if log.exists():
        try:
            with log.open("rb") as lines:
                reader.read(lines)
        except OSError as error:
            raise output_error("read", log, error) from error
    return Attempts(list(reader.attempts.values()), reader.spans)


class _Reader:
    """Folds a log's lines into attempts by id, and spans."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.attempts: dict[str, Attempt] = {}
        self.spans: list[tuple[datetime, datetime]] = []

    def read(self, lines: Iterable[bytes]) -> None:
        for number, line in enumerate(lines, 1):
            time, kind, attempt = (each.search(line) for each in _SEARCHED)
            if time is None or kind is None or not line.endswith(b"\n"):
                continue
            moment = datetime.fromisoformat(time[1].decode())
            hear(self.spans, moment, begins=kind[1] == b"study_started")
            if kind[1] in _PARSED:
                self._hear(parse_line(self._log, number, line), moment)
            elif attempt is not None and kind[1] != _NO_SIGN_OF_LIFE:
                self._end(attempt[1].decode(), moment, "unfinished")

    def _hear(self, event: AnyEvent, moment: datetime) -> None:
        if isinstance(event, TrialStarted):
            # Told again by who goes on with a training that another process began.
            new = Attempt(event.trial, event.attempt, event.worker, moment, moment)
            self.attempts.setdefault(event.attempt, new)
            self._end(event.attempt, moment, "unfinished")
        elif isinstance(event, TrialRetried | TrialFinished):
            new = Attempt(event.trial, event.attempt, None, moment, moment)
            self.attempts.setdefault(event.attempt, new)
            ending = event.state if isinstance(event, TrialFinished) else "retried"
            self._end(event.attempt, moment, ending)

    def _end(self, attempt: str, moment: datetime, ending: Ending) -> None:
        known = self.attempts.get(attempt)
        if known is None:
            return
        if ending != "unfinished" and self.spans and known.ended < self.spans[-1][0]:
            moment = known.ended  # its process died before it could say so; the next one did
        self.attempts[attempt] = replace(known, ended=max(known.began, moment), ending=ending)
