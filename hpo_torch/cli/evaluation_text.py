"""A model's score on labelled examples, as text and as a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hpo_torch.cli.console import escape, out, print_table
from hpo_torch.results.recalls import Confused, confused_pairs, recalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.results.records import TestReport

MATRIX: Final = 12
"""With more classes than this the confusion matrix is not drawn as text."""


def record_of(report: TestReport, what: str) -> dict[str, Any]:
    """Return the report as JSON, with each class's recall (null without examples)."""
    found = dict(zip(report.class_names, recalls(report.confusion), strict=True))
    return {"data": what, **report.model_dump(mode="json"), "recall": found}


def print_evaluation(report: TestReport, what: str) -> None:
    """Print accuracy, recall of every class, and what was taken for what."""
    low, high = report.interval
    console = out()
    console.print(f"{escape(what)}: {report.examples} examples", soft_wrap=True)
    console.print(
        f"accuracy [bold]{report.accuracy:.4f}[/bold]  (95 % interval {low:.4f}..{high:.4f})  "
        f"loss {report.loss:.4f} nats"
    )
    rows = [
        (name, sum(counts), "-" if recall is None else f"{recall:.4f}")
        for name, counts, recall in zip(
            report.class_names, report.confusion, recalls(report.confusion), strict=True
        )
    ]
    print_table("Classes", ("class", "examples", "recall"), rows, numeric=2)
    if len(report.class_names) <= MATRIX:
        _print_matrix(report)
    else:
        _print_pairs(confused_pairs(report.confusion), report.class_names)


def _print_matrix(report: TestReport) -> None:
    names = report.class_names
    rows = [
        (name, *(count or "" for count in counts))
        for name, counts in zip(names, report.confusion, strict=True)
    ]
    title = "Confusion (row: true)"
    print_table(title, ("", *names), rows, numeric=len(names))


def _print_pairs(pairs: Sequence[Confused], names: Sequence[str]) -> None:
    rows = [(names[pair.true], names[pair.predicted], pair.count) for pair in pairs]
    if rows:
        print_table("Most confused", ("true", "taken for", "times"), rows, numeric=1)
