"""What the page says: everything that its template shows, taken from the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch.config.load import dump_config
from hpo_torch.errors import HpoTorchError
from hpo_torch.plots.study_pictures import goal_of
from hpo_torch.reporting import tables
from hpo_torch.reporting.values import cell, duration, figure, percent, size
from hpo_torch.results.environment import Environment
from hpo_torch.results.health_advice import advise
from hpo_torch.results.health_metrics import in_order, metric_weights
from hpo_torch.results.health_report import StudyHealth, study_health
from hpo_torch.results.health_words import health_lines
from hpo_torch.results.records import RunSummary, TestReport, TrialResult, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.results.front import Front
    from hpo_torch.results.health_advice import Advice
    from hpo_torch.results.records import Confirmation
    from hpo_torch.results.summary import RunView

_MOST_ALERTS = 50


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the figures at the top of the page."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one health metric measured of the winner; value is 0..1, or None with the reason."""

    name: str
    weight: float
    value: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Winner:
    """The trial that won: everything is text, except of the readings."""

    trial: int
    family: str
    hyperparameters: list[tuple[str, str]]
    figures: list[tuple[str, str]]
    readings: list[Reading]
    advice: list[Advice]


@dataclass(frozen=True, slots=True)
class HealthPart:
    """What health was worth in the study; where that cannot be said, `problem` says why."""

    lines: list[str]
    metrics: tables.Table | None
    alerts: list[tuple[int, str]]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TestPart:
    """The winner on the test set; None where it was not scored."""

    report: TestReport
    classes: tables.Table
    confusions: tables.Table | None


@dataclass(frozen=True, slots=True)
class Contents:
    """All that the template shows, in the order of the page."""

    name: str
    title: str
    state: str
    folder: str
    facts: list[Fact]
    winner: Winner | None
    front: Front | None
    objective: str
    confirmation: Confirmation | None
    health: HealthPart
    test: TestPart | None
    trials: tables.Table
    failures: tables.Table | None
    costs: tables.Table
    seconds: str
    config: str
    environment: list[tuple[str, str]]


def contents_of(view: RunView, summary: RunSummary | None) -> Contents:
    """Gather what a run's page says.

    Args:
        view: The run.
        summary: What came of it; None: it has not ended.

    Raises:
        OutputError: A result cannot be read.
    """
    config, best, devices = view.config, view.best, tables.devices_of(view)
    report = view.test_report
    return Contents(
        name=view.name,
        title=f"{config.data.dataset} · mode {config.search.mode} · {goal_of(config)}",
        state="has not ended" if summary is None else summary.reason,
        folder=str(view.directory.path),
        facts=list(_facts(view, summary)),
        winner=None if best is None else _winner(view, best),
        front=view.front,
        objective=config.search.optimize_for,
        confirmation=view.confirmation,
        health=_health(view),
        test=None if report is None else _test(report),
        trials=tables.trials_table(view, devices),
        failures=tables.failures(view.trials),
        costs=tables.costs_table(view.trials, devices),
        seconds="" if summary is None else duration(summary.seconds),
        config=dump_config(config),
        environment=_environment(view),
    )


def _facts(view: RunView, summary: RunSummary | None) -> Iterable[Fact]:
    best, report = view.best, view.test_report
    if best is not None:
        yield Fact("best score", figure(best.score), f"trial {best.trial}")
        if best.measurements is not None:
            yield Fact("validation accuracy", percent(best.measurements.val_accuracy, 2))
    if report is not None:
        low, high = (percent(bound, 2) for bound in report.interval)
        yield Fact("test accuracy", percent(report.accuracy, 2), f"95 %: {low} to {high}")
    if best is not None and best.measurements is not None:
        yield Fact("overall health", figure(best.measurements.overall_health, 3) or "not known")
        yield Fact("parameters", f"{best.measurements.parameters:,}")
    counts = view.counts
    ended = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    yield Fact("trials", f"{sum(counts.values())} of {view.config.search.trials}", ended)
    if summary is not None:
        yield Fact("time", duration(summary.seconds))


def _winner(view: RunView, best: TrialResult) -> Winner:
    measured = best.measurements
    weights = metric_weights(view.config.health)
    health = {} if measured is None else measured.health
    return Winner(
        trial=best.trial,
        family=best.family,
        hyperparameters=[(name, cell(value)) for name, value in best.hyperparameters.items()],
        figures=list(_figures(best)),
        readings=[
            Reading(name, weight, reading.value, reading.reason or "")
            for name, reading, weight in in_order(health, weights)
        ],
        advice=advise(health),
    )


def _figures(trial: TrialResult) -> Iterable[tuple[str, str]]:
    yield "score", figure(trial.score)
    if (m := trial.measurements) is not None:
        yield "validation accuracy", figure(m.val_accuracy)
        yield "validation loss", figure(m.val_loss)
        yield "validation accuracy of the last epoch", figure(m.last_val_accuracy)
        yield "skill over the majority class", figure(m.skill)
        yield "parameters", f"{m.parameters:,}"
        yield "memory of a training step", size(m.memory_bytes) or "not known"
        if m.inference_seconds is not None:
            yield "inference for an example", f"{1e6 * m.inference_seconds:.0f} µs"
    yield "epochs", f"{len(trial.epochs)}, kept: {trial.kept_epoch or 'none'}"
    yield "time", duration(trial.seconds)
    yield "seed", str(trial.seed)


def _test(report: TestReport) -> TestPart:
    return TestPart(report, tables.classes_table(report), tables.confusions_table(report))


def _health(view: RunView) -> HealthPart:
    try:
        report = study_health(view)
    except HpoTorchError as error:  # a page is written even if a plugin is gone
        return HealthPart([], None, [], str(error))
    messages = [(entry.trial, text) for entry in report.alerts for text in entry.messages]
    return HealthPart(
        lines=health_lines(report) if report.completed else [],
        metrics=_metrics(report),
        alerts=messages[:_MOST_ALERTS],
    )


def _metrics(report: StudyHealth) -> tables.Table | None:
    if not report.metrics:
        return None
    rows = [
        tables.Row(
            [
                each.name,
                "" if each.weight is None else f"{each.weight:g}",
                str(each.measured),
                *(figure(value, 3) for value in (each.low, each.mean, each.high, each.tau)),
            ]
        )
        for each in sorted(report.metrics, key=lambda metric: -(metric.weight or 0.0))
    ]
    columns = ["metric", "weight", "measured", "least", "mean", "most", "tau with accuracy"]
    return tables.Table(columns, rows, frozenset({"metric"}))


def _environment(view: RunView) -> list[tuple[str, str]]:
    path = view.directory.environment
    if not path.exists():
        return []
    found = read_record(path, Environment)
    machine: list[tuple[str, Any]] = [
        ("devices", ", ".join(found.devices)),
        ("system", found.system),
        ("CPU", f"{found.cpu}, {found.cores} cores"),
        ("memory", size(found.memory_bytes) or "not known"),
        ("Python", found.python),
    ]
    return [*machine, *found.packages.items()]
