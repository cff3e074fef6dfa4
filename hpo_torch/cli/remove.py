"""`hpo-torch rm`: remove runs, after saying what is lost with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hpo_torch.cli.console import agreed, err, escape
from hpo_torch.cli.results import OutputDir, find_run

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.results.run_removal import Loss


def rm(
    runs: Annotated[list[str], typer.Argument(help="Runs' folders, or names in --output-dir.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output_dir: OutputDir = None,
) -> None:
    """Remove runs for good; asks before it does.

    If one of them is in use, or is no run, none is removed.
    """
    from hpo_torch.results.run_removal import loss_of, remove_run

    paths: dict[Path, Path] = {}  # one run may be named in two ways
    for run in runs:
        path = find_run(run, output_dir)
        paths.setdefault(path.resolve(), path)
    losses = [loss_of(path) for path in paths.values()]
    for loss in losses:
        err().print(escape(_text(loss)), soft_wrap=True)
    if not (yes or agreed(_question(len(losses)), "rm")):
        err().print("nothing was removed")
        raise typer.Exit(1)
    for loss in losses:
        remove_run(loss.path)
        err().print(f"removed: {escape(str(loss.path))}", soft_wrap=True)


def _question(count: int) -> str:
    what = "this run" if count == 1 else f"these {count} runs"
    return f"Remove {what} for good?"


def _text(loss: Loss) -> str:
    model = ", a best model" if loss.best_model else ""
    trials = "1 trial" if loss.trials == 1 else f"{loss.trials} trials"
    return f"{loss.path}: {trials}{model}, {loss.files} files, {loss.size / 1e6:.1f} MB"
