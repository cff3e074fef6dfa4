"""What the live view knows: a search's state, folded from its events."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from hpo_torch.protocol.events import (
    AnyEvent,
    EpochFinished,
    Purpose,
    StudyStarted,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.search.modes import MODES, health_value
from hpo_torch.search.pareto import Point


@dataclass(slots=True)
class TrialRow:
    """One running trial.

    Attributes:
        last: Its newest epoch.
        accuracies: Validation accuracy of each epoch.
        retries: Attempts that ended early.
    """

    trial: int
    epochs: int
    retries: int = 0
    last: EpochFinished | None = None
    accuracies: list[float] = field(default_factory=list)


@dataclass(slots=True)
class LiveState:
    """A search so far.

    Attributes:
        title: Data set, mode and objective.
        purpose: What is trained for.
        started: When this process began, monotonic seconds.
        total: Trials in all.
        finished_before: Trials that earlier processes finished.
        running: Rows of running trials by number.
        best: The leading trial's last event.
        mode: Of the search.
        objective: Of the search.
        ends: How completed trials ended, by number; kept where objective and health are two.
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
    running: dict[int, TrialRow] = field(default_factory=dict)
    best: TrialFinished | None = None
    mode: str = ""
    objective: str = ""
    ends: dict[int, TrialFinished] = field(default_factory=dict)
    note: str = ""

    @property
    def finished(self) -> int:
        """Trials that ended, in whatever way."""
        return self.completed + self.pruned + self.failed

    def seconds_left(self, now: float) -> float | None:
        """Estimate what is left from the mean time a trial took; None before one ended."""
        here = self.finished - self.finished_before
        if self.started is None or not here:
            return None
        return (now - self.started) / here * (self.total - self.finished)

    def recall(self, events: Iterable[AnyEvent]) -> None:
        """Take in what earlier processes said: what has finished, not what was running."""
        for event in events:
            self.hear(event)
        self.started, self.note = None, ""
        self.running.clear()

    def hear(self, event: AnyEvent) -> None:
        """Take in an event."""
        if isinstance(event, StudyStarted):
            self._begin(event)
        elif isinstance(event, TrialStarted):
            row = self.running.setdefault(event.trial, TrialRow(event.trial, event.epochs))
            row.epochs = event.epochs
        elif isinstance(event, TrialRetried):
            row = self.running.setdefault(event.trial, TrialRow(event.trial, 0))
            row.retries += 1
        elif isinstance(event, EpochFinished):
            row = self.running.setdefault(event.trial, TrialRow(event.trial, event.epochs))
            row.last = event
            row.accuracies.append(event.metrics.val_accuracy)
        elif isinstance(event, TrialFinished):
            self.running.pop(event.trial, None)
            self.completed += event.state == "complete"
            self.pruned += event.state == "pruned"
            self.failed += event.state == "failed"
            self._rank(event)

    @property
    def points(self) -> list[Point]:
        """Objective and health of completed trials, where these are two; else nothing."""
        return [
            Point(number, end.score, health_value(end.measurements))
            for number, end in self.ends.items()
            if end.score is not None
        ]

    def _rank(self, event: TrialFinished) -> None:
        if event.state == "complete" and self.mode in MODES and MODES[self.mode].two_objectives:
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
        self.purpose, self.mode, self.objective = event.purpose, event.mode, event.objective
        words = "" if event.purpose == "search" else f"{event.purpose} · "
        about = f"{event.dataset} · {event.mode} · {event.objective} · {event.backend}"
        self.title = words + about
        self.started, self.total, self.note = time.monotonic(), event.trials, ""
        self.finished_before = event.finished
