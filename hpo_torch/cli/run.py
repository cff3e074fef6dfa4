"""Run a search from the command line: choose a view, run, print what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from hpo_torch.cli.console import INTERRUPTED, err, escape, out
from hpo_torch.cli.outcome import print_outcome
from hpo_torch.cli.view import open_view
from hpo_torch.config.load import Layer, resolve_config
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import AnyEvent, StudyStarted
from hpo_torch.results.event_log import read_ends
from hpo_torch.results.records import INTERRUPTED as INTERRUPTED_REASON
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView, resume_command
from hpo_torch.study.audience import Audience
from hpo_torch.study.optimize import optimize
from hpo_torch.study.resume import resume


def run_search(layers: Iterable[Layer], *, as_json: bool, quiet: bool) -> None:
    """Run a search and print its outcome.

    Args:
        layers: Settings above the defaults, lowest first.
        as_json: Print every event as a JSON line on stdout, and nothing else there.
        quiet: Print the run's folder only.

    Raises:
        typer.Exit: 130: it was interrupted.
    """
    config = resolve_config(layers).config
    begun: list[str] = []

    def remember(event: AnyEvent) -> None:
        if isinstance(event, StudyStarted) and event.purpose == "search":
            begun.append(event.run)

    def how_to_go_on() -> str:
        return resume_command(Path(begun[0])) if begun else "the same command again"

    with interruptible(how_to_go_on), open_audience(as_json=as_json, quiet=quiet) as audience:
        told = replace(audience, listeners=[*audience.listeners, remember])
        run = optimize(config, installed_registry(), told)
    _print(run, as_json=as_json, quiet=quiet)


def resume_search(path: Path, changes: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Go on with a run and print its outcome; arguments as of `run_search`."""
    run = RunDirectory.open(path)
    before = RunView(run)
    earlier = read_ends(run.events) if run.events.exists() else ()
    with (
        interruptible(lambda: resume_command(path)),
        open_audience(as_json=as_json, quiet=quiet, earlier=earlier) as audience,
    ):
        audience.note(
            f"resuming {run.name}: {sum(before.counts.values())} of "
            f"{changes.get('search.trials', before.config.search.trials)} trials are done"
        )
        resume(path, changes, installed_registry(), audience)
    _print(run, as_json=as_json, quiet=quiet)


def _print(run: RunDirectory, *, as_json: bool, quiet: bool) -> None:
    view = RunView(run)
    if quiet:
        sys.stdout.write(f"{run.path}\n")
    elif not as_json:
        print_outcome(out(), view)
    if view.summary is not None and view.summary.reason == INTERRUPTED_REASON:
        if quiet or as_json:
            _print_interrupted(resume_command(run.path))
        raise typer.Exit(INTERRUPTED)


@contextmanager
def interruptible(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """Say how to go on after a Ctrl-C that nothing else dealt with, and exit as shells do.

    Args:
        how_to_go_on: Returns a command; asked at that moment.

    Raises:
        typer.Exit: 130: it was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        _print_interrupted(how_to_go_on())
        raise typer.Exit(INTERRUPTED) from None


def _print_interrupted(go_on: str) -> None:
    err().print(f"interrupted; to go on: {escape(go_on)}", soft_wrap=True)


@contextmanager
def open_audience(
    *, as_json: bool, quiet: bool, earlier: Iterable[AnyEvent] = ()
) -> Iterator[Audience]:
    """Open a view of what a study in this process says; arguments as of `open_view`."""
    with open_view(as_json=as_json, quiet=quiet, earlier=earlier) as view:
        yield Audience(
            listeners=[view.hear], note=view.note, warn=view.warn, progress=view.progress
        )
