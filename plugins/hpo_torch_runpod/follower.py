"""From what arrives of one remote job to each attempt's events, in order and once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import (
    EpochFinished,
    HealthAlert,
    TrainingFinished,
    TrialStarted,
)
from hpo_torch_runpod.chunk_order import ChunkOrder, Heard
from hpo_torch_runpod.wire import ArtefactPart, Claimed, StoredArtefact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.received_files import ReceivedFiles
    from hpo_torch_runpod.wire import Line


@dataclass(slots=True, eq=False)
class Progress:
    """One attempt of a remote job.

    Attributes:
        job: What is trained.
        started: Its first word; None while it waits for its turn, or that word was lost.
        epochs: Number of the last epoch that was told, or that the study knew before.
        finished: Its last word; None until that has arrived. All before it has.
        run: Which run of the job's handler said that; "" before.
        claimed_by: Id of the job that trains it instead; "" where this one does.
        lost: What is known to be missing of it, for people.
        over: Whether its end was told, or it is another job's business; set by who follows.
        asked_to_stop: Whether somebody wants it stopped; set likewise.
    """

    job: TrialJob
    started: TrialStarted | None = None
    epochs: int = 0
    finished: TrainingFinished | None = None
    run: str = ""
    claimed_by: str = ""
    lost: str = ""
    over: bool = False
    asked_to_stop: bool = False
    _alerts: set[tuple[int, str]] = field(default_factory=set)

    @property
    def has_begun(self) -> bool:
        """Whether a worker is known to have begun with it."""
        return self.started is not None or self.epochs > self.job.known_epochs

    def is_news(self, event: TrialStarted | EpochFinished | HealthAlert) -> bool:
        """Take in an event; False if it was told before, or nothing can be made of it any more."""
        match event:
            case TrialStarted():
                first, self.started = self.started is None, event  # of a job's later run, again
                return first
            case HealthAlert():
                known = len(self._alerts)
                self._alerts.add((event.epoch, event.message))
                return len(self._alerts) > known
            case EpochFinished():
                return self._is_next(event.metrics.epoch)

    def seconds_since(self, earlier: str) -> float:
        """Return the seconds from an event's time to its last word, both by the worker's clock."""
        if self.finished is None:
            return 0.0
        end = datetime.fromisoformat(self.finished.time)
        return max(0.0, (end - datetime.fromisoformat(earlier)).total_seconds())

    def _is_next(self, epoch: int) -> bool:
        if epoch <= self.epochs or self.lost:
            return False
        if epoch > self.epochs + 1:
            self.lost = f"epoch {epoch} arrived after epoch {self.epochs}"
            return False
        self.epochs = epoch
        return True


class Follower:
    """Follows one remote job through its chunks; asks nothing of the network.

    Args:
        files: Takes in what comes of files.

    Attributes:
        attempts: Those that are followed, by id, in the order of their training.
    """

    def __init__(self, files: ReceivedFiles) -> None:
        self.attempts: dict[str, Progress] = {}
        self._files = files
        self._order = ChunkOrder()
        self._of_others: dict[str, list[Heard]] = {}  # attempts of this job nobody asked about

    @property
    def restarts(self) -> int:
        """How often the job began anew, because its worker was lost."""
        return self._order.restarts

    def adopt(self, job: TrialJob) -> list[BackendEvent]:
        """Follow this attempt too; return what the job has said of it already."""
        self.attempts[job.attempt] = Progress(job, epochs=job.known_epochs)
        return [
            event for heard in self._of_others.pop(job.attempt, []) for event in self._hear(heard)
        ]

    def take(self, chunks: Iterable[object]) -> list[BackendEvent]:
        """Take in chunks, in any order; return the events that are news, less the last words."""
        events = [event for chunk in chunks for event in self._hear(self._order.take(chunk))]
        while self._order.has_gap and self._is_known(self._order.behind_gap.lines):
            events += self._hear(self._order.skip_gap())
        return events

    def give_up_gaps(self) -> list[BackendEvent]:
        """Take in what waits behind a gap that nothing fills any more.

        Attempts that had not ended before it may have lost anything.
        """
        events: list[BackendEvent] = []
        while self._order.has_gap:
            for progress in self.attempts.values():
                if progress.finished is None and not progress.over:
                    progress.lost = progress.lost or "a part of what its worker sent is missing"
            events += self._hear(self._order.skip_gap())
        return events

    def _is_known(self, lines: Iterable[Line]) -> bool:
        """Whether the study knows all that is missing before these lines.

        It does where they go on, within the attempt that is being trained, with an epoch that is
        no later than the next: a process that was started again has told the rest before.
        """
        alive = (p for p in self.attempts.values() if not (p.finished or p.over or p.claimed_by))
        current = next(alive, None)
        for line in lines:
            if current is None or line.attempt != current.job.attempt:
                return False
            if isinstance(line, EpochFinished):
                return line.metrics.epoch <= current.epochs + 1
        return False

    def _hear(self, heard: Heard) -> list[BackendEvent]:
        events: list[BackendEvent] = []
        for line in heard.lines:
            progress = self.attempts.get(line.attempt)
            if isinstance(line, ArtefactPart | StoredArtefact):
                self._files.take(line, heard.run)
            elif progress is None:
                self._of_others.setdefault(line.attempt, []).append(Heard(heard.run, (line,)))
            elif isinstance(line, Claimed):
                progress.claimed_by = line.by
            elif progress.finished is not None:
                continue
            elif isinstance(line, TrainingFinished):
                progress.finished, progress.run = line, heard.run
            elif progress.is_news(line):
                events.append(line)
        return events
