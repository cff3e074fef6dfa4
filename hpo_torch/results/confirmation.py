"""Where a run keeps what came of training its best trials again, and which trials these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.atomic_files import output_error, write_text
from hpo_torch.results.records import Confirmation, TrialResult, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = "confirmation"
RECORD_FILE = "confirmation.json"


def confirmation_dir(run: Path) -> Path:
    """Return the folder of a run's repetitions, itself like a run's."""
    return run / FOLDER


def read_confirmation(run: Path) -> Confirmation | None:
    """Read what was confirmed in the run's folder; None where nothing was.

    Raises:
        OutputError: The file is damaged.
    """
    path = confirmation_dir(run) / RECORD_FILE
    return read_record(path, Confirmation) if path.exists() else None


def write_confirmation(run: Path, confirmation: Confirmation) -> None:
    """Write confirmation.json: from now on it says who the winner is; raises OutputError."""
    text = confirmation.model_dump_json(indent=2) + "\n"
    write_text(confirmation_dir(run) / RECORD_FILE, text)


def drop_confirmation(run: Path) -> None:
    """Remove confirmation.json: a better trial was found since; raises OutputError."""
    path = confirmation_dir(run) / RECORD_FILE
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error("remove", path, error) from error


def leaders(trials: Iterable[TrialResult], count: int) -> list[TrialResult]:
    """Return the best completed trials, best first; of equals, the lower number first."""
    scored = [t for t in trials if t.state == "complete" and t.score is not None]
    return sorted(scored, key=lambda t: (-(t.score or 0.0), t.trial))[:count]


def saved_result(run: Path, confirmation: Confirmation) -> TrialResult:
    """Return the training whose weights are in best_model/, under its trial's number.

    Only where `confirmation.saved` says which it is; else the search's own winner stays.
    """
    path = confirmation_dir(run) / "trials" / f"{confirmation.saved:04d}" / "result.json"
    result = read_record(path, TrialResult)
    return result.model_copy(update={"trial": confirmation.winner})


def covers(
    confirmation: Confirmation | None, trials: Iterable[TrialResult], count: int, seeds: int
) -> bool:
    """Whether the best `count` of these trials are confirmed on `seeds` seeds each."""
    wanted = {trial.trial for trial in leaders(trials, count)}
    if not wanted:
        return True
    done = {trial.trial for trial in confirmation.trials} if confirmation else set()
    return confirmation is not None and confirmation.seeds == seeds and done == wanted
