"""`hpo-torch compare`: runs side by side, as a table, a picture, or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hpo_torch.cli.console import BEST, err, escape, out, print_json, print_whole
from hpo_torch.cli.figures import clock
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.results import OutputDir, find_run
from hpo_torch.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.results.run_comparison import ComparedRun, RunComparison

FORMATS = ("png", "svg", "pdf")


def compare(
    runs: Annotated[list[str], typer.Argument(help="Runs' folders, or names in --output-dir.")],
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the comparison into FILE.png, .svg or .pdf.", show_default=False),
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Draw on a dark ground.")] = False,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs: figures, differing settings, and what sets their winners apart."""
    from hpo_torch.results.run_comparison import compare_runs
    from hpo_torch.results.summary import RunView

    if plot is not None and plot.suffix.removeprefix(".") not in FORMATS:
        raise InvalidValueError("--plot", "a file ending in .png, .svg or .pdf", str(plot))
    comparison = compare_runs([RunView.open(find_run(run, output_dir)) for run in runs])
    if plot is not None:
        _draw(comparison, plot, dark=dark)
    if as_json:
        print_json(comparison.model_dump(mode="json"))
        return
    console = out()
    print_whole(console, comparison_table(comparison))
    for remark in comparison.remarks:
        console.print(f"Note: {escape(remark)}.", soft_wrap=True)
    if plot is not None:
        err().print(f"drawn: {escape(str(plot))}", soft_wrap=True)


def _draw(comparison: RunComparison, path: Path, *, dark: bool) -> None:
    from hpo_torch.plots.run_comparison import run_comparison
    from hpo_torch.plots.style import Look, dressed, save

    with dressed(Look(dark=dark)):
        save(run_comparison(comparison.runs), path)


def comparison_table(comparison: RunComparison) -> Table:
    """Return a table with a column for each run; what differs comes below the figures."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for run in comparison.runs:
        table.add_column(escape(run.run), overflow="fold")
    for name, cells, best in _figures(comparison.runs):
        marked = [
            f"[{BEST}]{cell}[/]" if index == best else cell for index, cell in enumerate(cells)
        ]
        table.add_row(name, *marked)
    for title, rows in (
        ("settings that differ", comparison.settings),
        ("winners' hyperparameters that differ", comparison.hyperparameters),
    ):
        if rows:
            table.add_row("")
            table.add_row(f"[bold]{title}[/bold]")
        for name, values in rows.items():
            table.add_row(escape(name), *(escape(_value(value)) for value in values))
    return table


def _figures(runs: Sequence[ComparedRun]) -> list[tuple[str, list[str], int | None]]:
    """Return (name, a cell for each run, the best one's position) of each figure."""
    from hpo_torch.results.run_comparison import alike

    accuracies = [run.test_accuracy for run in runs]
    healths = [run.overall_health for run in runs]
    comparable = alike(runs)  # else none is better than another
    return [
        ("data set", [run.dataset for run in runs], None),
        ("mode", [run.mode for run in runs], None),
        ("objective", [_objective(run) for run in runs], None),
        ("state", ["finished" if run.finished else "not finished" for run in runs], None),
        ("trials", [_trials(run) for run in runs], None),
        ("best score", [_number(run.score) for run in runs], None),
        ("val accuracy", [_number(run.val_accuracy) for run in runs], None),
        (
            "test accuracy",
            [_number(each) for each in accuracies],
            _best(accuracies) if comparable else None,
        ),
        ("  95 % interval", [_interval(run) for run in runs], None),
        ("health", [_number(each, 3) for each in healths], _best(healths) if comparable else None),
        ("parameters", [f"{run.parameters:,}" if run.parameters else "" for run in runs], None),
        ("time", [clock(run.seconds) for run in runs], None),
    ]


def _objective(run: ComparedRun) -> str:
    weight = run.health_weight
    return run.objective if weight is None else f"{run.objective}, {100 * weight:.4g} % health"


def _trials(run: ComparedRun) -> str:
    others = [f"{run.counts[state]} {state}" for state in ("pruned", "failed") if run.counts[state]]
    return ", ".join([f"{run.counts['complete']} complete", *others])


def _best(values: Sequence[float | None]) -> int | None:
    """Return the position of the highest value where there are several; None of a draw."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or known.count(max(known)) > 1:  # noqa: PLR2004 - several
        return None
    return values.index(max(known))


def _interval(run: ComparedRun) -> str:
    return "" if run.test_interval is None else "{:.4f} to {:.4f}".format(*run.test_interval)


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)
