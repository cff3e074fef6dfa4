"""A trial in flight, as the study sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hpo_torch.search.modes import health_value
from hpo_torch.study.epoch_values import report, should_prune
from hpo_torch.study.retry_policy import retry_after

if TYPE_CHECKING:
    import optuna

    from hpo_torch.protocol.events import EpochFinished, FailureKind, HealthAlert
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.measurements import EpochMetrics, Measurements
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch.study.retry_policy import Retry

StopReason = Literal["", "timeout", "backend"]


@dataclass(slots=True)
class LiveTrial:
    """One trial in flight, through all its attempts.

    Attributes:
        handle: Optuna's trial, to report to and to tell.
        job: What was submitted last.
        attempts: Ids of all attempts, in order; the last one's is the job's.
        started: When the first of them began, UTC, ISO 8601.
        epochs: Metrics of its epochs so far; none after the study decided about it.
        so_far: Its measurements up to the last of them.
        score: The objective up to the last of them.
        deaths_in_a_row: Workers that died since the last epoch.
        pruned: Whether the study decided to prune it; its backend may not have stopped yet.
        stop_reason: Why the study stopped it otherwise: it took too long, or its backend broke
            the contract.
        message: That in words.
        submitted_at: When the last attempt was submitted, by the study's clock.
        training_since: When that began to train; None before.
        seconds_before: Seconds of training in earlier attempts, as far as their epochs tell.
        stopped_at: When it was asked to stop; None before.
        killed: Whether it was killed because it did not.
        reported: Epochs of which an earlier process has told Optuna.
        worker: Who trained it last; "" before any has begun to.
        device: On what.
        usage: Of rented hardware, by attempt, of those of which that is known.
    """

    handle: optuna.Trial
    job: TrialJob
    attempts: list[str]
    started: str
    epochs: list[EpochMetrics] = field(default_factory=list)
    so_far: Measurements | None = None
    score: float | None = None
    deaths_in_a_row: int = 0
    pruned: bool = False
    stop_reason: StopReason = ""
    message: str = ""
    submitted_at: float = 0.0
    training_since: float | None = None
    seconds_before: float = 0.0
    stopped_at: float | None = None
    killed: bool = False
    reported: frozenset[int] = frozenset()
    worker: str = ""
    device: str = ""
    usage: dict[str, RemoteUsage] = field(default_factory=dict)
    _alerts: set[tuple[int, str]] = field(default_factory=set)

    @property
    def decided(self) -> bool:
        """Whether later events of this trial no longer count."""
        return self.pruned or bool(self.stop_reason)

    def retry(self, kind: FailureKind, retries: int, moves_on: bool) -> Retry | None:
        """Count a failed attempt; return how the next one differs, as `retry_after` says."""
        self.deaths_in_a_row += kind == "worker_died"
        return retry_after(
            kind,
            accumulate=self.job.accumulate,
            deaths_in_a_row=self.deaths_in_a_row,
            retries=retries,
            moves_on=moves_on,
        )

    def add(self, event: EpochFinished, score: float | None) -> None:
        """Take in a finished epoch."""
        self.epochs.append(event.metrics)
        self.so_far, self.score = event.so_far, score
        self.deaths_in_a_row = 0

    def is_new(self, alert: HealthAlert) -> bool:
        """Take in an alert; False if it was delivered before."""
        seen = len(self._alerts)
        self._alerts.add((alert.epoch, alert.message))
        return len(self._alerts) > seen

    def report(self, epoch: int) -> None:
        """Tell Optuna the score (and health) so far, unless unknown, or told before."""
        if self.score is not None and epoch not in self.reported:
            report(self.handle, self.score, health_value(self.so_far), epoch)

    def loses(self) -> bool:
        """Whether the pruner gives the trial up after its newest epoch.

        After the last one there is nothing left to save: such a trial is complete.
        """
        unfinished = len(self.epochs) < self.job.hyperparameters["epochs"]
        return unfinished and self.score is not None and should_prune(self.handle)

    def submit(self, job: TrialJob, now: float) -> None:
        """Begin an attempt."""
        self.job = job
        self.submitted_at, self.training_since, self.stopped_at = now, None, None
        self.seconds_before = sum(epoch.seconds + epoch.health_seconds for epoch in self.epochs)

    @property
    def usages(self) -> list[RemoteUsage]:
        """What its attempts used, in their order."""
        return [self.usage[each] for each in self.attempts if each in self.usage]

    def seconds(self, now: float) -> float:
        """Seconds that were spent on it, those in which no process ran left out."""
        return self.seconds_before + now - self.submitted_at
