"""`hpo-torch enqueue`: more configurations for a run that has begun."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo_torch.cli.console import err, warn
from hpo_torch.cli.results import OutputDir, find_run


def enqueue(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    configurations: Annotated[
        Path, typer.Argument(help="YAML or JSON list of configurations, as optimize --enqueue.")
    ],
    output_dir: OutputDir = None,
) -> None:
    """Have a run train more configurations next, also while it goes on.

    They are trials among those that are wanted; of a complete run, they are trained when it is
    resumed with more.
    """
    from hpo_torch.hooks.registry import installed_registry
    from hpo_torch.study.add_to_queue import add_to_queue

    count = add_to_queue(find_run(run, output_dir), configurations, installed_registry(), warn)
    what = "1 configuration" if count == 1 else f"{count} configurations"
    err().print(f"{what} queued", soft_wrap=True)
