"""What the live view knows: a search's state, folded from its events."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hpo_torch.protocol.events import (
    AnyEvent,
    EpochFinished,
    StudyStarted,
    TrialFinished,
    TrialStarted,
)


@dataclass(slots=True)
class TrialRow:
    """One running trial.

    Attributes:
        last: Its newest epoch.
        accuracies: Validation accuracy of each epoch.
    """

    trial: int
    epochs: int
    last: EpochFinished | None = None
    accuracies: list[float] = field(default_factory=list)


@dataclass(slots=True)
class LiveState:
    """A search so far.

    Attributes:
        title: Data set, mode and objective.
        started: When the study started, monotonic seconds.
        total: Trials in all.
        running: Rows of running trials by number.
        best: The leading trial's last event.
        note: What happens outside of trials.
    """

    title: str = ""
    started: float | None = None
    total: int = 0
    pruned: int = 0
    failed: int = 0
    completed: int = 0
    running: dict[int, TrialRow] = field(default_factory=dict)
    best: TrialFinished | None = None
    note: str = ""

    @property
    def finished(self) -> int:
        """Trials that ended, in whatever way."""
        return self.completed + self.pruned + self.failed

    def seconds_left(self, now: float) -> float | None:
        """Estimate what is left from the mean time a trial took; None before one ended."""
        if self.started is None or not self.finished:
            return None
        return (now - self.started) / self.finished * (self.total - self.finished)

    def hear(self, event: AnyEvent) -> None:
        """Take in an event."""
        if isinstance(event, StudyStarted):
            self.title = f"{event.dataset} · {event.mode} · {event.objective} · {event.backend}"
            self.started, self.total, self.note = time.monotonic(), event.trials, ""
        elif isinstance(event, TrialStarted):
            self.running[event.trial] = TrialRow(event.trial, event.epochs)
        elif isinstance(event, EpochFinished):
            row = self.running.setdefault(event.trial, TrialRow(event.trial, event.epochs))
            row.last = event
            row.accuracies.append(event.metrics.val_accuracy)
        elif isinstance(event, TrialFinished):
            self.running.pop(event.trial, None)
            self.completed += event.state == "complete"
            self.pruned += event.state == "pruned"
            self.failed += event.state == "failed"
            if event.best:
                self.best = event
