"""What a run has cost so far, folded from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.protocol.events import (
    AttemptSettled,
    StudyStarted,
    TrainingFinished,
    TrialFinished,
    TrialRetried,
)
from hpo_torch.protocol.usage import Cost

if TYPE_CHECKING:
    from hpo_torch.protocol.events import AnyEvent, Purpose
    from hpo_torch.protocol.usage import RemoteUsage


class Spending:
    """Adds up what attempts cost: each once, whether its trial has ended or not.

    An attempt that ended before its trial is told by its own event, and again in the list of the
    trial's end. Of one that was given up, and then found again or settled, the last word counts.
    """

    def __init__(self) -> None:
        self._purpose: Purpose = "search"
        self._ended: Cost | None = None
        # By attempt, of each trial that has not ended.
        self._by_trial: dict[int, dict[str, RemoteUsage]] = {}

    @property
    def cost(self) -> Cost | None:
        """What was spent so far; None where nothing was rented."""
        going_on = [Cost.of(used.values()) for used in self._by_trial.values()]
        parts = [*([self._ended] if self._ended else []), *going_on]
        return sum(parts, Cost()) if parts else None

    def hear(self, event: AnyEvent) -> None:
        """Take in an event."""
        if isinstance(event, StudyStarted) and event.purpose != self._purpose:
            self._purpose = event.purpose
            self._ended = self.cost  # what begins within the search numbers its trials from 0
            self._by_trial.clear()
        elif isinstance(event, TrainingFinished | TrialRetried | AttemptSettled):
            if event.usage is not None:
                self._by_trial.setdefault(event.trial, {})[event.attempt] = event.usage
        elif isinstance(event, TrialFinished):
            self._by_trial.pop(event.trial, None)
            if event.usage:
                self._ended = (self._ended or Cost()) + Cost.of(event.usage)
