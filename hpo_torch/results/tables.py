"""Tables for spreadsheets: trials.csv and epochs.csv, as text."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from hpo_torch.protocol.measurements import EpochMetrics
from hpo_torch.protocol.usage import Cost
from hpo_torch.results.records import KeyFigures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpo_torch.results.records import TrialResult

PARAMETER_PREFIX = "param_"
_SCORED = ["number", "state", "score", "val_accuracy", "val_loss", "last_val_accuracy", "skill"]
_COSTS = ["parameters", "training_seconds", "memory_bytes", "inference_seconds", "seconds"]
_PLACE = ["worker", "device", "cost_lower", "cost_upper"]


def trials_columns(trials: Sequence[TrialResult]) -> list[str]:
    """Return the columns of trials.csv: number, state, score, val_accuracy ..., overall_health.

    Then one per health metric, parameters, ..., seconds, worker, device, cost_lower, cost_upper
    (USD, where hardware was rented), and one per hyperparameter with the prefix "param_".
    """
    metrics = _in_order_of_appearance(
        trial.measurements.health for trial in trials if trial.measurements is not None
    )
    parameters = _in_order_of_appearance(trial.hyperparameters for trial in trials)
    columns = [*_SCORED, "overall_health", *metrics, *_COSTS, *_PLACE]
    return columns + [PARAMETER_PREFIX + name for name in parameters]


def epochs_csv(epochs: Sequence[EpochMetrics]) -> str:
    """Return one line per epoch; the columns are the fields of `EpochMetrics`."""
    columns = list(EpochMetrics.model_fields)
    return csv_lines(columns, (epoch.model_dump() for epoch in epochs), header=True)


def trial_row(trial: TrialResult) -> dict[str, Any]:
    """Return one trial's values by column; what was not measured is None or absent."""
    row: dict[str, Any] = {"number": trial.trial, "state": trial.state, "score": trial.score}
    if trial.measurements is not None:
        figures = KeyFigures.of(trial.measurements)
        row |= figures.model_dump(exclude={"health"}) | figures.health
    row |= {"seconds": trial.seconds, "worker": trial.worker, "device": trial.device}
    if trial.usage:
        cost = Cost.of(trial.usage)
        row |= {"cost_lower": cost.lower, "cost_upper": cost.upper}
    return row | {PARAMETER_PREFIX + name: value for name, value in trial.hyperparameters.items()}


def _in_order_of_appearance(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def csv_lines(columns: list[str], rows: Iterable[dict[str, Any]], *, header: bool) -> str:
    """Return a line per row, values in the order of `columns`; a missing one is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    if header:
        writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
