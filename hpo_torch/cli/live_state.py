"""What the live view knows: a search's state, folded from its events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from hpo_torch.protocol.events import (
    AnyEvent,
    EpochFinished,
    HealthAlert,
    Purpose,
    StudyFinished,
    StudyStarted,
    TrainingFinished,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.protocol.spending import Spending
from hpo_torch.search.modes import MODES, health_value
from hpo_torch.search.pareto import Point

KEPT_ALARMS = 8


@dataclass(slots=True)
class TrialRow:
    """One running trial.

    Attributes:
        worker: Who trains it; "" before it has begun to train.
        device: On what.
        last: Its newest epoch.
        accuracies: Validation accuracy of each epoch.
        retries: Attempts that ended early.
    """

    trial: int
    epochs: int
    worker: str = ""
    device: str = ""
    retries: int = 0
    last: EpochFinished | None = None
    accuracies: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that went wrong with a trial, or may."""

    trial: int
    text: str
    severe: bool = False


@dataclass(slots=True)
class LiveState:
    """A search so far. Moments are seconds since 1970, as the events tell them.

    Attributes:
        title: Data set, mode and objective.
        purpose: What is trained for.
        started: When this process began.
        total: Trials in all.
        finished_before: Trials that earlier processes finished.
        epochs_here: Epochs that were finished since this process began.
        running: Rows of running trials by number.
        workers: Those that have trained something since this process began, in order.
        alarms: The last things that went wrong, newest last.
        best: The leading trial's last event.
        climb: The best score after each completed trial.
        mode: Of the search.
        objective: Of the search.
        ends: How completed trials ended, by number; kept where objective and health are two.
        spending: What trials on rented hardware cost.
        ended: How the search ended; None while it goes on.
        note: What happens outside of trials.
    """

    title: str = ""
    purpose: Purpose = "search"
    started: float | None = None
    total: int = 0
    finished_before: int = 0
    pruned: int = 0
    failed: int = 0
    completed: int = 0
    epochs_here: int = 0
    running: dict[int, TrialRow] = field(default_factory=dict)
    workers: dict[str, str] = field(default_factory=dict)
    alarms: deque[Alarm] = field(default_factory=lambda: deque(maxlen=KEPT_ALARMS))
    best: TrialFinished | None = None
    climb: list[float] = field(default_factory=list)
    mode: str = ""
    objective: str = ""
    ends: dict[int, TrialFinished] = field(default_factory=dict)
    spending: Spending = field(default_factory=Spending)
    ended: StudyFinished | None = None
    note: str = ""

    @property
    def finished(self) -> int:
        """Trials that ended, in whatever way."""
        return self.completed + self.pruned + self.failed

    @property
    def idle(self) -> list[str]:
        """Workers that train nothing now."""
        busy = {row.worker for row in self.running.values()}
        return [worker for worker in self.workers if worker not in busy]

    def seconds_left(self, now: float) -> float | None:
        """Estimate what is left from the mean time a trial took; None before one ended."""
        here = self.finished - self.finished_before
        if self.started is None or not here:
            return None
        return (now - self.started) / here * (self.total - self.finished)

    def a_minute(self, now: float) -> tuple[float, float] | None:
        """Return trials and epochs a minute in this process; None before an epoch has ended."""
        if self.started is None or now <= self.started or not self.epochs_here:
            return None
        minutes = (now - self.started) / 60
        return (self.finished - self.finished_before) / minutes, self.epochs_here / minutes

    def recall(self, events: Iterable[AnyEvent]) -> None:
        """Take in what earlier processes said: what has finished, not what was running."""
        for event in events:
            self.hear(event)
        self.started, self.note = None, ""
        self.running.clear()
        self.alarms.clear()

    def hear(self, event: AnyEvent) -> None:
        """Take in an event."""
        self.spending.hear(event)
        if isinstance(event, StudyStarted):
            self._begin(event)
        elif isinstance(event, StudyFinished):
            self.running.clear()
            self.ended, self.note = event, ""
        elif isinstance(event, TrialStarted):
            self._start(event)
        elif isinstance(event, EpochFinished):
            row = self.running.setdefault(event.trial, TrialRow(event.trial, event.epochs))
            row.last = event
            row.accuracies.append(event.metrics.val_accuracy)
            self.epochs_here += 1
        elif isinstance(event, HealthAlert):
            self.alarms.append(Alarm(event.trial, f"epoch {event.epoch}: {event.message}"))
        else:
            self._end(event)

    def _end(self, event: AnyEvent) -> None:
        if isinstance(event, TrialRetried):
            row = self.running.setdefault(event.trial, TrialRow(event.trial, 0))
            row.retries += 1
            row.worker = ""
            self.alarms.append(Alarm(event.trial, f"tried again: {_first_line(event)}"))
        elif isinstance(event, TrainingFinished):  # the rest of the trial is for another process
            self.running.pop(event.trial, None)
        elif isinstance(event, TrialFinished):
            self.running.pop(event.trial, None)
            self.completed += event.state == "complete"
            self.pruned += event.state == "pruned"
            self.failed += event.state == "failed"
            if event.state == "failed":
                self.alarms.append(Alarm(event.trial, f"failed: {_first_line(event)}", severe=True))
            self._rank(event)

    @property
    def points(self) -> list[Point]:
        """Objective and health of completed trials, where these are two; else nothing."""
        return [
            Point(number, end.score, health_value(end.measurements))
            for number, end in self.ends.items()
            if end.score is not None
        ]

    def _start(self, event: TrialStarted) -> None:
        row = self.running.setdefault(event.trial, TrialRow(event.trial, event.epochs))
        row.epochs, row.worker, row.device = event.epochs, event.worker, event.device
        self.workers[event.worker] = event.device

    def _rank(self, event: TrialFinished) -> None:
        if event.state == "complete":
            if event.score is not None:
                self.climb.append(max([event.score, *self.climb[-1:]]))
            if self.mode in MODES and MODES[self.mode].two_objectives:
                self.ends[event.trial] = event
        if event.best:
            self.best = event
        elif event.leader in self.ends:  # an earlier trial leads now
            self.best = self.ends[event.leader]

    def _begin(self, event: StudyStarted) -> None:
        if event.purpose != self.purpose:  # within a search, with trials of its own
            self.completed, self.pruned, self.failed = event.finished, 0, 0
            self.best = None
            self.ends.clear()
            self.climb.clear()
        self.purpose, self.mode, self.objective = event.purpose, event.mode, event.objective
        words = "" if event.purpose == "search" else f"{event.purpose} · "
        about = f"{event.dataset} · {event.mode} · {event.objective} · {event.backend}"
        self.title = words + about
        self.started = datetime.fromisoformat(event.time).timestamp()
        self.total, self.note, self.ended = event.trials, "", None
        self.finished_before, self.epochs_here = event.finished, 0
        self.running.clear()  # what a process that died was training
        self.workers.clear()


def _first_line(event: TrialFinished | TrialRetried) -> str:
    return (event.message.splitlines() or [""])[0] or str(event.failure_kind)
