"""A trial in flight, as the study sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.measurements import EpochMetrics, Measurements


@dataclass(slots=True)
class LiveTrial:
    """One submitted trial.

    Attributes:
        handle: Optuna's trial, to report to and to tell.
        job: What was submitted.
        epochs: Metrics of its epochs so far; none after the study decided to prune it.
        so_far: Its measurements up to the last of them.
        score: The objective up to the last of them.
        pruned: Whether the study decided to prune it; its backend may not have stopped yet.
        stop_reason: Why the study stopped it otherwise ("interrupted", "timeout").
    """

    handle: optuna.Trial
    job: TrialJob
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    epochs: list[EpochMetrics] = field(default_factory=list)
    so_far: Measurements | None = None
    score: float | None = None
    pruned: bool = False
    stop_reason: str = ""

    @property
    def decided(self) -> bool:
        """Whether later events of this trial no longer count."""
        return self.pruned or bool(self.stop_reason)

    def add(self, event: EpochFinished, score: float | None) -> None:
        """Take in a finished epoch."""
        self.epochs.append(event.metrics)
        self.so_far, self.score = event.so_far, score

    @property
    def seconds(self) -> float:
        """Seconds since it was submitted."""
        return (datetime.now(UTC) - self.started).total_seconds()
