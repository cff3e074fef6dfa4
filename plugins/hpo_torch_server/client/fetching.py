"""`hpo-torch remote URL fetch`: a job's files, brought to this machine as they appear."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_torch.plugin_cli import AsJson, OutputDir, print_json, runs_folder, say
from hpo_torch_server.client.connecting import connected, the_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def fetch(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="Id of a job: `jobs` lists them.")],
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until the job ends; Ctrl-C stops fetching only.")
    ] = False,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a job's files into a run's folder of its name on this machine.

    What is here already is not fetched again, and what broke off goes on where it was. Once the job
    has ended, the folder is a run like any other: `hpo-torch show`, `plot` and `resume` take it.
    """
    from hpo_torch_server.client.following import PATIENCE_SECONDS, fetch_job

    target = the_target(context)
    patience = PATIENCE_SECONDS if follow else None
    try:
        with connected(target, patience) as connection, _shown() as progress:
            root = runs_folder(output_dir)
            done = fetch_job(connection, job, root, follow=follow, progress=progress)
    except KeyboardInterrupt:
        say(f"no longer fetching; to go on: {target.command('fetch', job)}")
        raise
    if as_json:
        folder = None if done.folder is None else str(done.folder)
        print_json({"run": folder, "status": done.status, "files": done.files, "bytes": done.size})
    elif done.folder is None:
        say(f"{job} is {done.status} and has no files yet; --follow waits for them")
    else:
        say(f"{job} is {done.status}: fetched {done.files} files, {done.size / 1e6:.1f} MB")
        if not done.ended:
            say(f"to go on until it ends: {target.command('fetch', job, '--follow')}")
        sys.stdout.write(f"{done.folder}\n")


@contextmanager
def _shown() -> Iterator[Callable[[int, int], None]]:
    """Yield what takes bytes that have come and bytes that are to come; a bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _, __: None
        return
    columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("fetching", total=None)
        yield lambda done, due: bar.update(task, completed=done, total=due)
