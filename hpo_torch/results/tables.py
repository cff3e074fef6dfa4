"""Tables for spreadsheets: trials.csv and epochs.csv, as text."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from hpo_torch.protocol.measurements import EpochMetrics
from hpo_torch.results.records import KeyFigures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpo_torch.results.records import TrialResult

PARAMETER_PREFIX = "param_"
_SCORED = ["number", "state", "score", "val_accuracy", "val_loss", "last_val_accuracy", "skill"]
_COSTS = ["parameters", "training_seconds", "memory_bytes", "inference_seconds", "seconds"]


def trials_csv(trials: Sequence[TrialResult]) -> str:
    """Return one line per trial, by number; an empty cell is a value that was not measured.

    Columns: number, state, score, val_accuracy ..., overall_health, one per health metric,
    parameters, ..., seconds, and one per hyperparameter with the prefix "param_".
    """
    ordered = sorted(trials, key=lambda trial: trial.trial)
    metrics = _in_order_of_appearance(
        trial.measurements.health for trial in ordered if trial.measurements is not None
    )
    parameters = _in_order_of_appearance(trial.hyperparameters for trial in ordered)
    columns = [*_SCORED, "overall_health", *metrics, *_COSTS]
    columns += [PARAMETER_PREFIX + name for name in parameters]
    return _csv(columns, map(_row, ordered))


def epochs_csv(epochs: Sequence[EpochMetrics]) -> str:
    """Return one line per epoch; the columns are the fields of `EpochMetrics`."""
    return _csv(list(EpochMetrics.model_fields), (epoch.model_dump() for epoch in epochs))


def _row(trial: TrialResult) -> dict[str, Any]:
    row: dict[str, Any] = {"number": trial.trial, "state": trial.state, "score": trial.score}
    if trial.measurements is not None:
        figures = KeyFigures.of(trial.measurements)
        row |= figures.model_dump(exclude={"health"}) | figures.health
    row["seconds"] = trial.seconds
    return row | {PARAMETER_PREFIX + name: value for name, value in trial.hyperparameters.items()}


def _in_order_of_appearance(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def _csv(columns: list[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
