"""Run a search from the command line: choose a view, run, print what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hpo_torch.cli.console import err, out, warn
from hpo_torch.cli.live_view import LiveView
from hpo_torch.cli.outcome import print_outcome
from hpo_torch.cli.plain_view import PlainView
from hpo_torch.config.load import Layer, resolve_config
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import AnyEvent
from hpo_torch.results.summary import RunView
from hpo_torch.study.optimize import Audience, optimize


def run_search(layers: Iterable[Layer], *, as_json: bool, quiet: bool) -> None:
    """Run a search and print its outcome.

    Args:
        layers: Settings above the defaults, lowest first.
        as_json: Print every event as a JSON line on stdout, and nothing else there.
        quiet: Print the run's folder only.
    """
    config = resolve_config(layers).config
    with _audience(as_json=as_json, quiet=quiet) as audience:
        run = optimize(config, installed_registry(), audience)
    if as_json:
        return
    if quiet:
        sys.stdout.write(f"{run.path}\n")
        return
    print_outcome(out(), RunView(run))


@contextmanager
def _audience(*, as_json: bool, quiet: bool) -> Iterator[Audience]:
    if as_json:
        yield Audience(listeners=[_print_event], warn=warn)
    elif quiet:
        yield Audience(warn=warn)
    elif err().is_terminal:
        with LiveView(err()) as view:
            yield Audience(
                listeners=[view.hear], note=view.note, warn=view.warn, progress=view.progress
            )
    else:
        plain = PlainView(out())
        yield Audience(listeners=[plain.hear], note=plain.note, warn=warn, progress=plain.progress)


def _print_event(event: AnyEvent) -> None:
    sys.stdout.write(event.model_dump_json() + "\n")
    sys.stdout.flush()
