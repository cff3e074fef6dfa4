"""trials.csv while a study runs: a line is added for each trial that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.atomic_files import append_whole, output_error, write_text
from hpo_torch.results.tables import csv_lines, trial_row, trials_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hpo_torch.results.records import TrialResult


class TrialsTable:
    """Writes trials.csv; writing all of it after every trial would take ever longer.

    Lines that are added stand in the order in which trials ended; `write` sorts them by number.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns: list[str] = []

    def write(self, trials: Sequence[TrialResult]) -> None:
        """Write the whole table; raises OutputError."""
        ordered = sorted(trials, key=lambda trial: trial.trial)
        self._columns = trials_columns(ordered)
        write_text(self._path, csv_lines(self._columns, map(trial_row, ordered), header=True))

    def add(self, trial: TrialResult, all_trials: Callable[[], Sequence[TrialResult]]) -> None:
        """Add a trial; where it has a column that none had before, write `all_trials` anew.

        Raises:
            OutputError: The line could not be written; the table is as it was.
        """
        row = trial_row(trial)
        if not row.keys() <= set(self._columns):
            self.write(all_trials())
            return
        line = csv_lines(self._columns, [row], header=False).encode()
        try:
            with self._path.open("ab", buffering=0) as file:
                append_whole(file.fileno(), line, file.tell())
        except OSError as error:
            raise output_error("write", self._path, error) from error
