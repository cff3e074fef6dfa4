"""All runs in a folder, a row each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpo_torch.errors import OutputError
from hpo_torch.results.run_paths import run_names
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.events import TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in a listing.

    Attributes:
        finished: Whether its study has ended.
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
    counts: dict[TrialState, int] = field(default_factory=dict)
    best_trial: int | None = None
    best_score: float | None = None
    test_accuracy: float | None = None
    problem: str = ""


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
        finished=run.finished,
        counts=counts,
        best_trial=trial,
        best_score=score,
        test_accuracy=None if summary is None else summary.test_accuracy,
    )
