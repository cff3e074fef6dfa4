"""What health was worth in a run, and how healthy a trial is, as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table

from hpo_torch.cli.console import DIM, escape
from hpo_torch.cli.figures import health_style
from hpo_torch.errors import HpoTorchError
from hpo_torch.results.health_advice import advise
from hpo_torch.results.health_metrics import in_order, metric_weights
from hpo_torch.results.health_report import study_health
from hpo_torch.results.health_words import count_trials, health_lines
from hpo_torch.results.layer_figures import layer_figures, layers_of

if TYPE_CHECKING:
    from rich.console import Console

    from hpo_torch.protocol.measurements import Measurements
    from hpo_torch.results.health_metrics import MetricFigures
    from hpo_torch.results.health_report import StudyHealth
    from hpo_torch.results.summary import RunView


def print_health_outcome(console: Console, view: RunView) -> None:
    """Print what health did in a run, in a few lines; nothing before a trial has completed."""
    try:
        report = study_health(view)
    except HpoTorchError as error:  # a result is shown even if its plugin is gone
        console.print(f"Health was not summed up: {escape(str(error))}", style=DIM)
        return
    if not report.completed:
        return
    for line in health_lines(report):
        console.print(escape(line))
    path = escape(str(view.directory.path))
    console.print(f"  hpo-torch health {path}", soft_wrap=True)


def print_study_health(console: Console, report: StudyHealth) -> None:
    """Print the whole report of a run."""
    console.print(f"[bold]Health in {escape(report.run)}[/bold], mode {report.mode}")
    for line in health_lines(report):
        console.print(escape(line))
    share = report.health_share
    if share is not None:
        console.print(
            f"Measuring it took {report.health_seconds:.1f} s, {share:.1%} of the "
            f"{report.training_seconds:.1f} s of training."
        )
    if report.metrics:
        console.print()
        console.print(_metrics_table(report))
    for entry in report.alerts:
        for message in entry.messages:
            console.print(f"trial {entry.trial}: {escape(message)}")


def _metrics_table(report: StudyHealth) -> Table:
    table = _table(f"Metrics over {count_trials(report.completed)}")
    for column in ("metric", "weight", "measured", "least", "mean", "most", "tau with accuracy"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    table.add_column("")
    for each in sorted(report.metrics, key=lambda metric: -(metric.weight or 0.0)):
        numbers = (each.low, each.mean, each.high, each.tau)
        table.add_row(
            each.name,
            "" if each.weight is None else f"{each.weight:g}",
            str(each.measured),
            *("" if number is None else f"{number:.3f}" for number in numbers),
            escape("never varied" if each.never_varied else _reason(each)),
            style="" if each.weight else DIM,
        )
    return table


def _reason(metric: MetricFigures) -> str:
    return next(iter(metric.not_measured), "") if not metric.measured else ""


def print_trial_health(console: Console, view: RunView, trial: int, measured: Measurements) -> None:
    """Print a trial's readings, its layers, and what to do."""
    overall = measured.overall_health
    console.print()
    said = "too little was measured" if overall is None else f"overall health {overall:.3f}"
    console.print(
        f"[bold]Trial {trial}[/bold]: {said}, validation accuracy {measured.val_accuracy:.4f}"
    )
    weights = metric_weights(view.config.health)
    readings = _table("")
    readings.add_column("metric")
    readings.add_column("weight", justify="right")
    readings.add_column("value", justify="right")
    readings.add_column("")
    for name, reading, weight in in_order(measured.health, weights):
        value = reading.value
        shown = "" if value is None else f"[{health_style(value)}]{value:.3f}[/]"
        reason = "" if reading.reason is None else escape(f"not measured: {reading.reason}")
        readings.add_row(
            name, f"{weight:g}", shown if weight or value is None else f"{value:.3f}", reason,
            style="" if weight else DIM,
        )  # fmt: skip
    console.print(readings)
    _print_layers(console, measured)
    for advice in advise(measured.health):
        console.print(
            f"[bold]{advice.metric}[/bold]: {escape(advice.figure)} (threshold: "
            f"{escape(advice.threshold)}). {escape(advice.advice)}"
        )


def _print_layers(console: Console, measured: Measurements) -> None:
    figures = layer_figures(measured.health)
    if not figures:
        return
    table = _table("Layers, from input to output")
    table.add_column("layer")
    for figure in figures:
        table.add_column(figure.label, justify="right")
    for layer in layers_of(figures):
        table.add_row(escape(layer), *(_cell(figure.values.get(layer)) for figure in figures))
    console.print()
    console.print(table)


def _cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.3g}"


def _table(title: str) -> Table:
    return Table(
        title=title or None, title_justify="left", title_style="bold", box=None,
        header_style="bold", padding=(0, 2, 0, 0),
    )  # fmt: skip
