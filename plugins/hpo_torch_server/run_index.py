"""One run in memory: its trials, who trains and who leads, kept up to date from its events."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from hpo_torch.plugin_runs import (
    PARAMETER_PREFIX,
    LineTail,
    RunPaths,
    TrialResult,
    confirmation_dir,
    read_record,
    seconds_worked,
    working_process,
)
from hpo_torch_server.column_texts import Columns, ColumnTexts
from hpo_torch_server.event_fold import EventFold, OpenTrial
from hpo_torch_server.outcome import state_of_run
from hpo_torch_server.trial_pages import Page, TrialPages, Wanted
from hpo_torch_server.trial_table import FIGURES, TrialTable, finite, with_z
from hpo_torch_server.trial_trends import trends

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch_server.states import JobState
    from hpo_torch_server.trial_trends import Trends

Purpose = Literal["search", "confirmation"]


@dataclass(frozen=True, slots=True)
class InTraining:
    """A trial in training, with what it has said so far.

    Attributes:
        purpose: "confirmation": it trains one of the best trials again, on a fresh seed, and is
            numbered among these.
        trial: What is known of it; a copy, which does not change.
    """

    purpose: Purpose
    trial: OpenTrial


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes:
        total: Trials that are wanted; None before its first process has said so.
        counts: Ended trials by state: complete, pruned, failed.
        training: Trials in training; none where no process works on the run.
        leader: Number of the trial that leads; None before one has completed.
        best_score: Of that trial.
        seconds: That processes worked on it, pauses left out.
        message: What goes on, or how it ended, for people.
    """

    total: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    training: list[InTraining] = field(default_factory=list)
    leader: int | None = None
    best_score: float | None = None
    seconds: float = 0.0
    message: str = ""

    @property
    def finished(self) -> int:
        """Trials that ended, in whatever way."""
        return self.counts.total()


class RunIndex:
    """What the server knows of a run.

    Threads may share it. Every answer is of one moment; `refresh` brings the index up to date.

    Args:
        path: The run's folder, which may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._run = RunPaths(path)
        self._lock = threading.Lock()
        self._search = EventFold(self._run.events)
        repeated = confirmation_dir(path) / self._run.events.name
        self._confirmation = EventFold(repeated)
        self._tails = LineTail(self._run.events), LineTail(repeated)
        self._table = TrialTable()
        self._pages, self._texts = TrialPages(self._table), ColumnTexts(self._table)
        # What takes long is made from copies: who asks for other things does not wait for it.
        self._packing = threading.Lock()
        self._columns: tuple[tuple[int, int], Columns] | None = None
        self._trends: tuple[tuple[int, int, int], Trends] | None = None

    def refresh(self) -> None:
        """Take in what has happened.

        Raises:
            OutputError: The log was replaced or holds no event, or a result is damaged. The index
                is of no use any more.
        """
        with self._lock:
            for fold, tail in zip((self._search, self._confirmation), self._tails, strict=True):
                for line in tail.new():
                    fold.hear(line)
            for number in self._search.take_ended():
                path = self._run.trial_dir(number) / "result.json"
                if path.exists():  # removed by hand, where it does not
                    self._table.add(read_record(path, TrialResult))

    def columns(self) -> Columns:
        """Return all ended trials as one document."""
        with self._packing:  # once for each state, whoever asks for it at the same time
            with self._lock:
                state = self._search.ended_seq, self._table.version
                if self._columns is not None and self._columns[0] == state:
                    return self._columns[1]
                document = self._texts.document(self._search.ended_seq)
            columns = Columns.of(document)
            self._columns = state, columns
            return columns

    def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """Return a page of trials, open ones included; raises as `TrialPages.page` does."""
        works = self.works
        with self._lock:
            opened = [n for n in self._search.open if n not in self._table]
            rows = [self._open_row(self._search.open[n], works=works) for n in opened]
            return self._pages.page(wanted, rows, limit, cursor)

    def row_of(self, number: int) -> dict[str, Any] | None:
        """Return a trial's values by column; None where there is none of that number."""
        works = self.works
        with self._lock:
            ended, opened = self._table.row_of(number), self._search.open.get(number)
            if ended is not None or opened is None:
                return ended
            return self._open_row(opened, works=works)

    def open_trial(self, number: int) -> OpenTrial | None:
        """Return a trial that has not ended, with its epochs so far; None where there is none."""
        with self._lock:
            found = None if number in self._table else self._search.open.get(number)
            return None if found is None else found.read(self._run.events).copy()

    def trends(self, ranges: int, window: int) -> Trends:
        """Return how hyperparameters and health went; arguments as of `trial_trends.trends`."""
        with self._packing:
            with self._lock:
                asked = self._table.version, ranges, window
                if self._trends is not None and self._trends[0] == asked:
                    return self._trends[1]
                columns = {name: values.copy() for name, values in self._table.columns.items()}
            found = trends(columns, ranges=ranges, window=window)
            self._trends = asked, found
            return found

    def state(self) -> tuple[JobState, str | None]:
        """Return the run's state as its folder tells, and why it failed if it did."""
        return state_of_run(self.path)

    @property
    def works(self) -> bool:
        """Whether a process works on the run."""
        return working_process(self.path) is not None

    def training(self) -> list[InTraining]:
        """Return the trials in training by number; none where no process works on the run."""
        if not self.works:
            return []
        with self._lock:
            return self._training()

    def progress(self) -> Progress:
        """Return how far the run is."""
        works = self.works
        with self._lock:
            search = self._search
            leader = None if search.leader is None else self._table.row_of(search.leader)
            training = self._training() if works else []
            return Progress(
                total=None if search.begun is None else search.begun.trials,
                counts=Counter({s: n for s, n in search.counts.items() if n}),
                training=training,
                leader=search.leader,
                best_score=None if leader is None else leader["score"],
                seconds=self._seconds(works=works),
                message=self._message(len(training), works=works),
            )

    def _open_row(self, trial: OpenTrial, *, works: bool) -> dict[str, Any]:
        state = "running" if works and trial.training else "unfinished"
        return open_row(trial.read(self._run.events)) | {"state": state}

    def _training(self) -> list[InTraining]:
        folds: dict[Purpose, EventFold] = {
            "search": self._search,
            "confirmation": self._confirmation,
        }
        return [
            InTraining(purpose, trial.read(fold.path).copy())
            for purpose, fold in folds.items()
            for _, trial in sorted(fold.open.items())
            if trial.training
        ]

    def _seconds(self, *, works: bool) -> float:
        spans = [*self._search.spans, *self._confirmation.spans]
        if works and spans:
            first, last = max(spans)
            spans.append((first, max(last, datetime.now(UTC))))
        return seconds_worked(spans)

    def _message(self, training: int, *, works: bool) -> str:
        search, confirmation = self._search, self._confirmation
        if search.begun is None:
            return "prepares its data" if works else "has not begun"
        if search.finished is not None and not works:
            return search.finished.reason
        ended = search.counts.total()
        done = f"{ended} of {search.begun.trials} trials have ended"
        if not works:
            return f"{done}; no process works on it"
        if confirmation.begun is not None and confirmation.finished is None:
            repeated = f"{confirmation.counts.total()} of {confirmation.begun.trials}"
            return f"confirming the best trials: {repeated} trainings have ended"
        return f"{done}, {training} in training"


def open_row(trial: OpenTrial) -> dict[str, Any]:
    """Return the columns of a trial that has not ended, but for its state: all of it so far."""
    row: dict[str, Any] = dict.fromkeys(FIGURES)
    row |= {
        "number": trial.number,
        "started": with_z(trial.since) or None,
        "epochs": len(trial.curve),
        "attempts": trial.retries + 1,
        "message": "",
    }
    if trial.started is not None:
        row |= {name: getattr(trial.started, name) for name in ("worker", "device", "parameters")}
        values = trial.started.hyperparameters
        row |= {PARAMETER_PREFIX + name: value for name, value in values.items()}
    if trial.last is not None:
        measured = trial.last.so_far
        row |= measured.model_dump(exclude={"health"})
        row |= {name: reading.value for name, reading in measured.health.items()}
        row["score"] = trial.last.score
    return {name: finite(value) for name, value in row.items()}
