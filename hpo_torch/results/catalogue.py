"""All runs in a folder, a row each; which of them, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from hpo_torch.errors import OutputError
from hpo_torch.results.event_log import LINE_TIME
from hpo_torch.results.run_paths import run_names
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from hpo_torch.protocol.events import TrialState

Sort = Literal["name", "score", "test-accuracy", "trials", "started"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in a listing.

    Attributes:
        finished: Whether its study has come to its end, and was not interrupted.
        started: When it began, UTC, ISO 8601; None before its first event.
        counts: Number of finished trials by state.
        best_score: None before a trial has completed.
        test_accuracy: Of the winner, 0..1; None where it was not scored.
        problem: Why the run could not be read; the other values are then empty.
    """

    name: str
    path: Path
    dataset: str = ""
    mode: str = ""
    objective: str = ""
    finished: bool = False
    started: str | None = None
    counts: dict[TrialState, int] = field(default_factory=dict)
    best_trial: int | None = None
    best_score: float | None = None
    test_accuracy: float | None = None
    problem: str = ""

    @property
    def trials(self) -> int:
        """Trials that ended, in whatever way."""
        return sum(self.counts.values())


_KEYS: Final[dict[Sort, Callable[[RunRow], Any]]] = {
    "name": lambda row: row.name,
    "score": lambda row: row.best_score,
    "test-accuracy": lambda row: row.test_accuracy,
    "trials": lambda row: row.trials,
    "started": lambda row: row.started,
}


def select_runs(
    rows: Iterable[RunRow],
    *,
    dataset: str | None = None,
    mode: str | None = None,
    finished: bool | None = None,
) -> list[RunRow]:
    """Return the runs that all of these are true of; None asks for nothing.

    A damaged run, of which nothing is known, is only there where nothing is asked for.
    """
    asked = {"dataset": dataset, "mode": mode, "finished": finished}
    wanted = {name: value for name, value in asked.items() if value is not None}
    return [
        row
        for row in rows
        if not wanted
        or (not row.problem and all(getattr(row, name) == wanted[name] for name in wanted))
    ]


def sort_runs(rows: Iterable[RunRow], by: Sort, *, reverse: bool = False) -> list[RunRow]:
    """Sort by name from A to Z, or by a figure from the highest, or latest, down.

    Runs that have no such figure come last, in both directions; equals are in order of name.
    """
    key = _KEYS[by]
    named = sorted(rows, key=lambda row: row.name)
    known = [row for row in named if key(row) is not None]
    down = (by != "name") != reverse
    known.sort(key=key, reverse=down)
    return known + [row for row in named if key(row) is None]


def list_runs(root: Path) -> list[RunRow]:
    """Return the runs in `root` by name, which by default begins with the time; [] without `root`.

    A damaged run is a row with its problem: it must not hide the others.

    Raises:
        OutputError: `root` itself cannot be read.
    """
    return [_row(root / name) for name in run_names(root)]


def _row(path: Path) -> RunRow:
    try:
        return _readable_row(RunView.open(path))
    except OutputError as error:
        return RunRow(name=path.name, path=path, problem=str(error))


def _readable_row(run: RunView) -> RunRow:
    summary = run.summary
    # A finished run's summary holds it all: a listing need not read hundreds of trials.
    if summary is not None:
        counts, trial, score = summary.counts, summary.best_trial, summary.best_score
    else:
        best = run.best
        counts = run.counts
        trial, score = (None, None) if best is None else (best.trial, best.score)
    return RunRow(
        name=run.name,
        path=run.directory.path,
        dataset=run.config.data.dataset,
        mode=run.config.search.mode,
        objective=run.config.search.optimize_for,
        finished=run.is_whole,
        started=_started(run),
        counts=counts,
        best_trial=trial,
        best_score=score,
        test_accuracy=None if summary is None else summary.test_accuracy,
    )


def _started(run: RunView) -> str | None:
    """Return the time of the run's first event; the rest of a long log is not read."""
    try:
        with run.directory.events.open("rb") as log:
            found = LINE_TIME.search(log.readline())
    except OSError:  # no event yet, or not for us to read: the other figures stand
        return None
    return found[1].decode() if found else None
