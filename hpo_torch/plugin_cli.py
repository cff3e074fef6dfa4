"""What plugins' commands are written with: the options and the voice of hpo-torch's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.cli.console import (
    INTERRUPTED,
    agreed,
    err,
    escape,
    out,
    print_json,
    print_table,
    warn,
)
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.optimize import optimize
from hpo_torch.cli.results import OutputDir, find_run, runs_folder
from hpo_torch.cli.settings import optimize_layers
from hpo_torch.cli.view import Told, View, open_view, show_events

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.summary import RunView

__all__ = [
    # words, tables, questions
    "AsJson",
    "INTERRUPTED",
    "agreed",
    "print_json",
    "print_table",
    "say",
    "warn",
    # runs on this machine
    "OutputDir",
    "find_run",
    "open_run",
    "print_outcome",
    "read_repetitions",
    "runs_folder",
    # a search: its options, and what is shown of it while it goes on
    "Told",
    "View",
    "open_view",
    "optimize",
    "optimize_layers",
    "show_events",
]


def say(text: str) -> None:
    """Print a line that is no result: on stderr."""
    err().print(escape(text), soft_wrap=True)


def print_outcome(view: RunView) -> None:
    """Print what came of a run on this machine, as `hpo-torch show` does."""
    from hpo_torch.cli.outcome import print_outcome as print_

    print_(out(), view)


def open_run(path: Path) -> RunView:
    """View a run by its folder.

    Raises:
        UnknownNameError: There is no such folder; the message lists the runs beside it.
        OutputError: The folder is no run.
    """
    from hpo_torch.results.summary import RunView

    return RunView.open(path)


def read_repetitions(view: RunView) -> list[TrialResult]:
    """Return the trainings on fresh seeds that confirmed a run's best trials; [] without any.

    Raises:
        OutputError: A result is damaged; the message names it.
    """
    from hpo_torch.results.confirmation import confirmation_dir
    from hpo_torch.results.run_directory import RunDirectory

    return RunDirectory(confirmation_dir(view.directory.path)).read_trials()
