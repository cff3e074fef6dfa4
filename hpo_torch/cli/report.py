"""`hpo-torch report`: a run as one page, from its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo_torch.cli.console import out
from hpo_torch.cli.results import OutputDir, find_run


def report(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write (default: report.html in the run's folder).",
            show_default=False,
        ),
    ] = None,
    output_dir: OutputDir = None,
) -> None:
    """Write a run as one page: pictures, tables, settings and cost, readable without a network."""
    from hpo_torch.errors import InvalidValueError
    from hpo_torch.reporting.page import write_report
    from hpo_torch.results.summary import RunView

    if output is not None and output.is_dir():
        raise InvalidValueError("--output", "a file to write", f"{output}, a folder")
    path = write_report(RunView.open(find_run(run, output_dir)), output)
    out().print(str(path), soft_wrap=True, markup=False, highlight=False)
