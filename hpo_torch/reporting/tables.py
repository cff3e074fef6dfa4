"""The page's tables: trials, the test set's classes, and what the run cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.protocol.events import TrialStarted
from hpo_torch.reporting.values import cell, duration, figure, percent
from hpo_torch.results.event_log import read_events
from hpo_torch.results.recalls import confused_pairs, recalls
from hpo_torch.results.wilson import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hpo_torch.results.records import TestReport, TrialResult
    from hpo_torch.results.summary import RunView

MOST_ROWS: Final = 1000
"""Trials in the page; trials.csv has them all."""
_MOST_REASONS = 20
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Attributes:
        cells: The text of each column.
        marked: Whether it stands out: the winner's.
    """

    cells: list[str]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: Their headings; the first names the row.
        rows: In their first order.
        words: The columns that hold words; the others hold numbers.
        left_out: How many rows more there are.
    """

    columns: list[str]
    rows: list[Row]
    words: frozenset[str] = frozenset()
    left_out: int = 0


def trials_table(view: RunView, devices: Mapping[int, str]) -> Table:
    """List the trials, the completed ones first, by falling score; with all hyperparameters."""
    hyperparameters = list(dict.fromkeys(n for trial in view.trials for n in trial.hyperparameters))
    order = sorted(
        view.trials,
        key=lambda t: (t.state == "complete", -1.0 if t.score is None else t.score, -t.trial),
        reverse=True,
    )
    best = view.best.trial if view.best else None
    rows = []
    for trial in order[:MOST_ROWS]:
        values = [*_figures(trial), devices.get(trial.trial)]
        values += [trial.hyperparameters.get(name) for name in hyperparameters]
        rows.append(Row([cell(value) for value in values], trial.trial == best))
    columns = ["trial", "state", "score", "val accuracy", "health", "parameters", "epochs"]
    return Table(
        columns=[*columns, "seconds", "device", *hyperparameters],
        rows=rows,
        words=frozenset({"state", "device", *_words(view.trials)}),
        left_out=len(order) - len(rows),
    )


def _figures(trial: TrialResult) -> list[Any]:
    measured = trial.measurements
    return [
        trial.trial,
        trial.failure_kind or trial.state,
        trial.score,
        measured and measured.val_accuracy,
        measured and measured.overall_health,
        measured and measured.parameters,
        len(trial.epochs),
        round(trial.seconds, 1),
    ]


def _words(trials: Iterable[TrialResult]) -> set[str]:
    """Name the hyperparameters that are no numbers in some trial."""
    return {
        name
        for trial in trials
        for name, value in trial.hyperparameters.items()
        if isinstance(value, bool) or not isinstance(value, int | float)
    }


def failures(trials: Iterable[TrialResult]) -> Table | None:
    """List why trials failed, the most frequent reason first; None where none did."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for trial in trials:
        if trial.state == "failed":
            message = (trial.message.splitlines() or [""])[0]
            numbers.setdefault((trial.failure_kind or "failed", message), []).append(trial.trial)
    if not numbers:
        return None
    order = sorted(numbers.items(), key=lambda entry: -len(entry[1]))
    rows = [
        Row([kind, message, str(len(trials)), _some(trials)])
        for (kind, message), trials in order[:_MOST_REASONS]
    ]
    columns = ["kind", "message", "how many", "trials"]
    words = frozenset({"kind", "message", "trials"})
    return Table(columns, rows, words, left_out=len(order) - len(rows))


def _some(trials: Sequence[int]) -> str:
    few = ", ".join(map(str, trials[:_NAMED]))
    return few if len(trials) <= _NAMED else f"{few}, …"


def classes_table(report: TestReport) -> Table:
    """List each class's recall with its 95 % Wilson interval, and its precision."""
    predicted = [sum(column) for column in zip(*report.confusion, strict=True)]
    found = recalls(report.confusion)
    rows = []
    for index, (name, counts) in enumerate(zip(report.class_names, report.confusion, strict=True)):
        examples, right = sum(counts), counts[index]
        low, high = wilson_interval(right, examples) if examples else (None, None)
        precision = right / predicted[index] if predicted[index] else None
        shares = [figure(share) for share in (found[index], low, high, precision)]
        rows.append(Row([name, str(examples), *shares]))
    columns = ["class", "examples", "recall", "95 % from", "to", "precision"]
    return Table(columns, rows, frozenset({"class"}))


def confusions_table(report: TestReport) -> Table | None:
    """List the pairs of classes that are confused most; None where no example was."""
    names = report.class_names
    rows = [
        Row([names[pair.true], names[pair.predicted], str(pair.count), percent(pair.share)])
        for pair in confused_pairs(report.confusion)
    ]
    if not rows:
        return None
    columns = ["true class", "taken for", "examples", "of the class"]
    return Table(columns, rows, frozenset({"true class", "taken for"}))


def devices_of(view: RunView) -> dict[int, str]:
    """Return what each trial's last attempt trained on; what the log does not say is absent.

    Raises:
        OutputError: The log is damaged.
    """
    log = view.directory.events
    events = read_events(log, "trial_started") if log.exists() else []
    return {event.trial: event.device for event in events if isinstance(event, TrialStarted)}


def costs_table(trials: Sequence[TrialResult], devices: Mapping[int, str]) -> Table:
    """Sum up the trials' time by device, and in all."""
    by_device: dict[str, list[TrialResult]] = {}
    for trial in trials:
        by_device.setdefault(devices.get(trial.trial, "not known"), []).append(trial)
    rows = [Row(_costs(name, group)) for name, group in sorted(by_device.items())]
    if trials:
        rows.append(Row(_costs("all", trials), marked=True))
    columns = ["device", "trials", "time", "training", "measuring health", "mean of a trial"]
    return Table(columns, rows, frozenset({"device"}))


def _costs(name: str, trials: Sequence[TrialResult]) -> list[str]:
    epochs = [epoch for trial in trials for epoch in trial.epochs]
    seconds = sum(trial.seconds for trial in trials)
    training = sum(epoch.seconds for epoch in epochs)
    health = sum(epoch.health_seconds for epoch in epochs)
    times = (seconds, training, health, seconds / len(trials))
    return [name, str(len(trials)), *map(duration, times)]
