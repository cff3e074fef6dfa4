"""A search as plain lines, for pipes and log files."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console

from hpo_torch.cli.console import escape
from hpo_torch.cli.figures import dollars
from hpo_torch.protocol.events import (
    AnyEvent,
    EpochFinished,
    HealthAlert,
    StudyStarted,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.protocol.spending import Spending
from hpo_torch.protocol.usage import Cost

PROGRESS_EVERY_SECONDS = 5.0


class PlainView:
    """Prints a line for each event that a reader of a log wants to see.

    Args:
        console: Where to.
        earlier: Events of earlier processes, where a run is resumed: what they spent counts.
    """

    def __init__(self, console: Console, earlier: Iterable[AnyEvent] = ()) -> None:
        self._console = console
        self._trials = 0
        self._leader: int | None = None
        self._progress_at = 0.0
        self._spending = Spending()
        for event in earlier:
            self._spending.hear(event)
        self._places: set[str] = set()

    def note(self, message: str) -> None:
        """Print what happens outside of trials."""
        if message:
            self._line(message)

    def progress(self, file: str, done: int, total: int) -> None:
        """Print a download's progress, every few seconds and at its end."""
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_EVERY_SECONDS and done != total:
            return
        self._progress_at = now
        share = f"{done / total:4.0%} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        self._line(f"downloading {file}: {share}")

    def hear(self, event: AnyEvent) -> None:
        """Print an event."""
        self._spending.hear(event)
        if isinstance(event, StudyStarted):
            self._begin(event)
        elif isinstance(event, TrialStarted):
            self._start(event)
        elif isinstance(event, EpochFinished):
            self._line(f"trial {event.trial}: {epoch_text(event)}")
        elif isinstance(event, HealthAlert):
            self._line(f"trial {event.trial}, epoch {event.epoch}: health: {event.message}")
        elif isinstance(event, TrialRetried):
            self._line(f"trial {event.trial}: {retry_text(event)}")
        elif isinstance(event, TrialFinished):
            self._line(f"trial {event.trial}: {finish_text(event)}{self._spent(event)}")
            if self._leader is not None and event.leader not in (self._leader, event.trial):
                # The one that led is now more than delta below the best objective.
                self._line(f"trial {event.leader}: leads now")
            self._leader = event.leader

    def _begin(self, event: StudyStarted) -> None:
        self._trials = event.trials
        if event.purpose != "search":
            self._line(f"{event.purpose}:")
        self._line(
            f"{event.dataset}, mode {event.mode}, for {event.objective}, {event.trials} "
            f"trials on {event.backend}"
        )
        if event.finished:
            self._line(f"{event.finished} of {event.trials} trials are done")
        self._line(f"run folder: {event.run}")

    def _start(self, event: TrialStarted) -> None:
        self._places.add(event.device)
        who = f", by {event.worker}" if len(self._places) > 1 else ""
        done = f", {event.epochs_done} of them done" if event.epochs_done else ""
        self._line(
            f"trial {event.trial}: {event.parameters:,} parameters, up to {event.epochs} "
            f"epochs on {event.device} ({event.precision}){who}{done}"
        )

    def _spent(self, event: TrialFinished) -> str:
        """Say what a trial, and all so far, have cost, where that is known."""
        cost = self._spending.cost
        if not event.usage or cost is None:
            return ""
        return f"  {dollars(Cost.of(event.usage))}, in all {dollars(cost)}"

    def _line(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)


def epoch_text(event: EpochFinished) -> str:
    """Say what an epoch brought, in one line."""
    m = event.metrics
    parts = [
        f"epoch {m.epoch}/{event.epochs}",
        f"loss {m.train_loss:.4f}",
        f"val loss {m.val_loss:.4f}",
        f"val accuracy {m.val_accuracy:.4f}",
    ]
    if event.so_far.overall_health is not None:
        parts.append(f"health {event.so_far.overall_health:.3f}")
    if event.score is not None:
        parts.append(f"score {event.score:.4f}")
    return "  ".join([*parts, f"{m.seconds:.1f} s"])


def finish_text(event: TrialFinished) -> str:
    """Say how a trial ended, in one line."""
    if event.state == "failed":
        return f"failed ({event.failure_kind}): {(event.message.splitlines() or [''])[0]}"
    score = "no score" if event.score is None else f"score {event.score:.4f}"
    best = "  best so far" if event.best else ""
    return f"{event.state}  {score}  {event.epochs_run} epochs  {event.seconds:.0f} s{best}"


def retry_text(event: TrialRetried) -> str:
    """Say why a trial is tried again, and how, in one line."""
    why = (event.message.splitlines() or [event.failure_kind])[0]
    how = f" with batches in {event.accumulate} parts" if event.accumulate > 1 else ""
    return f"tried again{how} ({event.failure_kind}): {why}"
