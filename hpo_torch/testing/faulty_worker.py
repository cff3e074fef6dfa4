"""One attempt at a trial in a thread, and what goes wrong with it."""

from __future__ import annotations

import pkgutil
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.protocol.events import BackendEvent, FailureKind
    from hpo_torch.protocol.job import TrialJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with an attempt; epochs count from 1, and 0 is the trial's start.

    Attributes:
        trial: Number of the trial; None fits all.
        attempt: Which submission of that trial, from 1; None fits all.
        lost_at: The worker is lost when it would say that this epoch is finished; its state is
            stored by then, and nobody hears of the epoch.
        late: That epoch, and a `TrainingFinished` that says "stopped", arrive all the same, once
            the trial's next attempt has begun.
        hangs_at: The worker hangs for ever after it has said that this epoch is finished.
        deaf: The trial never hears that it should stop.
        copies: How often every event is delivered.
        delay: Seconds between an event and its delivery.
    """

    trial: int | None = None
    attempt: int | None = None
    lost_at: int | None = None
    late: bool = False
    hangs_at: int | None = None
    deaf: bool = False
    copies: int = 1
    delay: float = 0.0

    def fits(self, trial: int, attempt: int) -> bool:
        """Say whether it is meant for the `attempt`-th submission of a trial."""
        return self.trial in {None, trial} and self.attempt in {None, attempt}


class WorkerEnded(BaseException):
    """Raised in a training function whose worker is lost, killed or done; no `Exception`.

    So a training function that catches errors does not catch it, as it could not catch its
    process's death.
    """


class FaultyWorker:
    """Trains one job in a thread.

    Args:
        job: What to train.
        fault: What goes wrong.
        train_target: The training function, "package.module:attribute".
        changed: Guards `log`, and is notified of every change.
        predecessors: Earlier attempts at the same trial, whose late events wait for this one's.

    Attributes:
        log: When each event is due (of `time.monotonic`), and the event.
    """

    def __init__(
        self,
        job: TrialJob,
        fault: Fault,
        train_target: str,
        changed: threading.Condition,
        predecessors: Sequence[FaultyWorker] = (),
    ) -> None:
        self.job = job
        self.log: list[tuple[float, BackendEvent]] = []
        self._fault, self._target, self._changed = fault, train_target, changed
        self._predecessors = predecessors
        self._stop = threading.Event()
        self._over = False
        self._held_back: list[BackendEvent] = []

    @property
    def was_broken(self) -> bool:
        """Whether its last word is that nothing can be trained there."""
        return any(
            isinstance(event, TrainingFinished) and event.failure_kind == "backend"
            for _, event in self.log
        )

    def start(self) -> None:
        """Begin to train."""
        threading.Thread(target=self._work, name=self.job.attempt, daemon=True).start()

    def stop(self) -> None:
        """Ask the training to end at its next step."""
        if not self._fault.deaf:
            self._stop.set()

    def lose(self, message: str) -> None:
        """Let the worker vanish, unless it has ended; the backend says that it failed."""
        with self._changed:
            if not self._over:
                self._write(self._failed("worker_died", message))
        self.end()

    def end(self) -> None:
        """Let the worker vanish without a word."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._stop.set()  # a thread cannot be killed, but it may listen

    def release_late_events(self) -> None:
        """Deliver what was held back; the caller holds `changed`."""
        self.log += [(time.monotonic(), event) for event in self._held_back]
        self._held_back = []

    def _work(self) -> None:
        try:
            train = pkgutil.resolve_name(self._target)
            train(self.job, self._emit, self._stop, worker="faulty")
            self._end_with(self._failed("user_code", "the training function returned no result"))
        except WorkerEnded:
            return
        except (Exception, SystemExit) as error:
            message = f"{type(error).__name__}: {error}"
            self._end_with(self._failed("user_code", message, traceback.format_exc()))

    def _emit(self, event: BackendEvent) -> None:
        epoch = _epoch_of(event)
        if epoch is not None and epoch == self._fault.lost_at:
            self._lose_before(event)
        with self._changed:
            if self._over:
                raise WorkerEnded
            self._write(event)
            if epoch is not None and epoch == self._fault.hangs_at:
                self._changed.wait_for(lambda: self._over)
                raise WorkerEnded

    def _lose_before(self, event: BackendEvent) -> None:
        if self._fault.late:
            words = {"trial": self.job.trial, "attempt": self.job.attempt}
            self._held_back = [event, TrainingFinished(**words, outcome="stopped")]
        self.lose(f"lost its worker at epoch {self._fault.lost_at}, on purpose")

    def _end_with(self, event: BackendEvent) -> None:
        with self._changed:
            if not self._over:
                self._write(event)

    def _write(self, event: BackendEvent) -> None:
        """Log an event; the caller holds `changed`."""
        self.log += [(time.monotonic() + self._fault.delay, event)] * self._fault.copies
        self._over = self._over or isinstance(event, TrainingFinished)
        for earlier in self._predecessors:
            earlier.release_late_events()
        self._changed.notify_all()

    def _failed(self, kind: FailureKind, message: str, details: str = "") -> TrainingFinished:
        return TrainingFinished(
            trial=self.job.trial,
            attempt=self.job.attempt,
            outcome="failed",
            failure_kind=kind,
            message=message,
            traceback=details,
        )


def _epoch_of(event: BackendEvent) -> int | None:
    if isinstance(event, TrialStarted):
        return 0
    return event.metrics.epoch if isinstance(event, EpochFinished) else None
