"""How the command line speaks: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from hpo_torch.errors import UsageError

BEST = "bold green"
DIM = "bright_black"
_UNBOUNDED = 100_000
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + the signal's number."""


def out() -> Console:
    """Return a console on stdout; made anew, so that a redirected stdout is honoured."""
    return Console(highlight=False)


def err() -> Console:
    """Return a console on stderr."""
    return Console(stderr=True, highlight=False)


def warn(message: str) -> None:
    """Print one warning line."""
    err().print(f"[yellow]warning:[/yellow] {escape(message)}", soft_wrap=True)


def fail(message: str) -> None:
    """Print one error message."""
    err().print(f"[bold red]error:[/bold red] {escape(message)}", soft_wrap=True)


def agreed(question: str, command: str) -> bool:
    """Ask whether to do what was just said.

    Raises:
        UsageError: Nobody can be asked, as this is no terminal; `command` needs --yes then.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            f"{command}: nobody can be asked, as this is no terminal. Add --yes to go ahead."
        )
    return typer.confirm(question, err=True)


def escape(text: str) -> str:
    """Keep square brackets of a message from being read as markup."""
    from rich.markup import escape as rich_escape

    return rich_escape(text)


def print_json(content: Any) -> None:
    """Print JSON on stdout, for programs."""
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numeric: int = 0
) -> None:
    """Print a table; the last `numeric` columns are right-aligned."""
    console = out()
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, column in enumerate(columns):
        right = index >= len(columns) - numeric
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    print_whole(console, table)


def print_whole(console: Console, table: Table) -> None:
    """Print a table; in a pipe as wide as its content, so that nothing is cut or wrapped."""
    if not console.is_terminal:
        unbounded = console.options.update(max_width=_UNBOUNDED)
        console.width = max(console.width, console.measure(table, options=unbounded).maximum)
    console.print(table)
