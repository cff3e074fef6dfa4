"""The trials of a run that have ended, column by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_runs import PARAMETER_PREFIX, trial_row

if TYPE_CHECKING:
    from hpo_torch.plugin_runs import TrialResult

FIGURES: Final = (
    "number",
    "state",
    "score",
    "val_accuracy",
    "val_loss",
    "last_val_accuracy",
    "skill",
    "overall_health",
    "parameters",
    "training_seconds",
    "memory_bytes",
    "inference_seconds",
    "seconds",
    "worker",
    "device",
    "cost_lower",
    "cost_upper",
    "started",
    "epochs",
    "kept_epoch",
    "attempts",
    "failure_kind",
    "message",
)
"""Columns of every run; the others are health metrics, and hyperparameters with their prefix."""

LONGEST_MESSAGE: Final = 200

Column = tuple[str, list[Any]]


class TrialTable:
    """A row for each trial that has ended, in the order in which they did.

    Columns are those of trials.csv and a few more; a value that was not measured, or is not finite,
    is None.

    Attributes:
        columns: By name, each with a value for every row.
        version: Rises with every change.
        replaced: Rises where a row is replaced.
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in FIGURES}
        self.version = self.replaced = 0
        self._places: dict[int, int] = {}
        self._grouped: tuple[int, tuple[list[Column], list[Column]]] = 0, ([], [])

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def add(self, trial: TrialResult) -> None:
        """Take in a trial; one that is there already is replaced."""
        row, before = row_of(trial), len(self._places)
        for name in row.keys() - self.columns.keys():
            self.columns[name] = [None] * before
        place = self._places.setdefault(trial.trial, before)
        if place == before:
            for name, values in self.columns.items():
                values.append(row.get(name))
        else:
            self.replaced += 1
            for name, values in self.columns.items():
                values[place] = row.get(name)
        self.version += 1

    def row(self, place: int) -> dict[str, Any]:
        """Return a row by its place, from 0."""
        return {name: values[place] for name, values in self.columns.items()}

    def shown(self, place: int) -> dict[str, Any]:
        """Return a row as `nested` does, for pages of many."""
        row = {name: self.columns[name][place] for name in FIGURES}
        health, hyperparameters = self._groups()
        row["health"] = {name: values[place] for name, values in health}
        row["hyperparameters"] = {
            name: value for name, values in hyperparameters if (value := values[place]) is not None
        }
        return row

    def row_of(self, number: int) -> dict[str, Any] | None:
        """Return a trial's row; None where it has not ended."""
        place = self._places.get(number)
        return None if place is None else self.row(place)

    def _groups(self) -> tuple[list[Column], list[Column]]:
        """Return the columns of health and of hyperparameters, these without their prefix."""
        if self._grouped[0] != len(self.columns):
            others = [each for each in self.columns.items() if each[0] not in FIGURES]
            health = [each for each in others if not each[0].startswith(PARAMETER_PREFIX)]
            values = [
                (name.removeprefix(PARAMETER_PREFIX), values)
                for name, values in others
                if name.startswith(PARAMETER_PREFIX)
            ]
            self._grouped = len(self.columns), (health, values)
        return self._grouped[1]


def row_of(trial: TrialResult) -> dict[str, Any]:
    """Return a trial's values by column."""
    more = {
        "started": with_z(trial.started),
        "epochs": len(trial.epochs),
        "kept_epoch": trial.kept_epoch,
        "attempts": trial.attempts,
        "failure_kind": trial.failure_kind,
        "message": trial.message[:LONGEST_MESSAGE],
    }
    return {name: finite(value) for name, value in (trial_row(trial) | more).items()}


def with_z(time: str) -> str:
    """Return a time as the API writes it: UTC with a Z, where files have +00:00."""
    return time.replace("+00:00", "Z")


def finite(value: Any) -> Any:
    """Return a value, or None for a float that JSON does not know."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the API shows it: with "health" and "hyperparameters" as mappings.

    A hyperparameter that a trial does not have is left out.
    """
    shown = {name: row.get(name) for name in FIGURES}
    others = {name: value for name, value in row.items() if name not in shown}
    return shown | {
        "health": {n: v for n, v in others.items() if not n.startswith(PARAMETER_PREFIX)},
        "hyperparameters": {
            name.removeprefix(PARAMETER_PREFIX): value
            for name, value in others.items()
            if name.startswith(PARAMETER_PREFIX) and value is not None
        },
    }
