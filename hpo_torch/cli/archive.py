"""`hpo-torch export` and `hpo-torch import`: a run as one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo_torch.cli.console import out
from hpo_torch.cli.results import OutputDir, find_run, runs_folder


def export(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file, or a folder for RUN.zip (default: here).",
            show_default=False,
        ),
    ] = None,
    output_dir: OutputDir = None,
) -> None:
    """Pack a run into one .zip file: complete, so that it can be imported and resumed elsewhere.

    A run that a process works on is refused: its files would not belong together.
    """
    from hpo_torch.results.run_archive import export_run
    from hpo_torch.results.run_directory import RunDirectory

    directory = RunDirectory.open(find_run(run, output_dir))
    target = output or Path()
    if target.is_dir():
        target /= f"{directory.path.resolve().name}.zip"
    files = export_run(directory.path, target)
    size = target.stat().st_size / 1e6
    out().print(f"{target}: {files} files, {size:.1f} MB", soft_wrap=True, markup=False)


def import_(
    file: Annotated[Path, typer.Argument(help="What `hpo-torch export` wrote.")],
    name: Annotated[
        str | None, typer.Option(help="The run's name (default: as it was).", show_default=False)
    ] = None,
    output_dir: OutputDir = None,
) -> None:
    """Unpack an exported run into the folder of all runs: all of it, or nothing."""
    from hpo_torch.results.run_archive import import_run

    path = import_run(file, runs_folder(output_dir), name)
    out().print(str(path), soft_wrap=True, markup=False)
