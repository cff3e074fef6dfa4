"""Train a trial again from the command line, and print it beside the first time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from hpo_torch.cli.console import INTERRUPTED, err, escape, out
from hpo_torch.cli.run import interruptible, open_audience
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.comparison import Comparison, EpochPair
from hpo_torch.results.records import INTERRUPTED as INTERRUPTED_REASON
from hpo_torch.study.retrain import Retrained, Wanted, retrain

GO_ON = "the same command again"


def run_retraining(path: Path, wanted: Wanted, *, as_json: bool) -> None:
    """Train a trial again, and print the comparison.

    Args:
        path: The run's folder.
        wanted: Which trial, and what is to be different.
        as_json: Print every event as a JSON line on stdout, the comparison as the last one.

    Raises:
        typer.Exit: 130: it was interrupted; 1: the training failed.
    """
    with (
        interruptible(lambda: GO_ON),
        open_audience(as_json=as_json, quiet=False) as audience,
    ):
        done = retrain(path, wanted, installed_registry(), audience)
    if done.comparison is None:
        message = f"not trained to the end ({done.reason}); to go on: {GO_ON}"
        err().print(escape(message), soft_wrap=True)
        raise typer.Exit(INTERRUPTED if done.reason == INTERRUPTED_REASON else 1)
    if as_json:
        sys.stdout.write(_json_line(done, done.comparison))
    else:
        print_comparison(out(), done, done.comparison)
    if done.result is not None and done.result.state != "complete":
        raise typer.Exit(1)


def _json_line(done: Retrained, comparison: Comparison) -> str:
    content = {
        "kind": "retrained",
        "folder": str(done.folder),
        "comparison": comparison.model_dump(mode="json"),
        "test": done.report.model_dump(mode="json") if done.report else None,
    }
    return json.dumps(content, ensure_ascii=False) + "\n"


def print_comparison(console: Console, done: Retrained, comparison: Comparison) -> None:
    """Print both trainings epoch by epoch, whether they are equal, and why they may not be."""
    console.print()
    console.print(_epochs(comparison))
    before, after = comparison.states
    scores = " and ".join("none" if s is None else f"{s:.4f}" for s in comparison.scores)
    seeds = f"seeds {comparison.seeds[0]} and {comparison.seeds[1]}"
    console.print(f"Trial {comparison.trial}: {before}, now {after}; scores {scores}; {seeds}")
    if done.result is not None and done.result.state == "failed":
        console.print(f"[bold red]{escape(done.result.message)}[/bold red]", soft_wrap=True)
    console.print(f"[bold]{verdict(comparison)}[/bold]", soft_wrap=True)
    for reason in comparison.reasons:
        console.print(f"  {escape(reason)}", soft_wrap=True)
    if done.report is not None:
        console.print(f"Test accuracy {done.report.accuracy:.4f}, which chose nothing")
    console.print(f"Results: {escape(str(done.folder))}", soft_wrap=True)


def verdict(comparison: Comparison) -> str:
    """Say in one line whether the two trainings are equal."""
    if comparison.equal is None:
        return "Nothing to compare: the trial finished no epoch."
    if comparison.equal is False or comparison.weights_equal is False:
        return "The figures differ. What may explain it:"
    weights = ", weights too" if comparison.weights_equal else ""
    return f"Equal, bit for bit: all figures of {len(comparison.epochs)} epochs{weights}."


def _epochs(comparison: Comparison) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("epoch", "loss", "now", "val loss", "now", "val accuracy", "now", ""):
        table.add_column(column, justify="right")
    for pair in comparison.epochs:
        table.add_row(*_cells(pair))
    return table


def _cells(pair: EpochPair) -> list[str]:
    cells = [str(pair.after.epoch)]
    for name in ("train_loss", "val_loss", "val_accuracy"):
        cells += [f"{getattr(pair.before, name):.6f}", f"{getattr(pair.after, name):.6f}"]
    return [*cells, "equal" if pair.equal else "differs"]
