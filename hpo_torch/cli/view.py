"""How a search is shown while it goes on: a picture, plain lines, JSON lines, or warnings only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hpo_torch.cli.console import err, out, warn
from hpo_torch.protocol.events import AnyEvent

Hear = Callable[[AnyEvent], None]
Told = tuple[Sequence[AnyEvent], bool]
"""Events, and whether they happened before anybody watched."""


def _ignore(_: object) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What shows a search.

    Attributes:
        hear: Takes each event as it happens.
        recall: Takes an event that happened before anybody watched; a picture shows what came of
            it, and no line for it.
        note: Takes one line about what happens outside of trials; "" when that is over.
        warn: Takes one line about something that went wrong.
        progress: Takes (file, bytes so far, bytes in all or 0) while data are fetched.
    """

    hear: Hear = _ignore
    recall: Hear = _ignore
    note: Callable[[str], None] = _ignore
    warn: Callable[[str], None] = warn
    progress: Callable[[str, int, int], None] | None = None


@contextmanager
def open_view(
    *, as_json: bool, quiet: bool = False, earlier: Iterable[AnyEvent] = ()
) -> Iterator[View]:
    """Choose how to show what happens: JSON lines, nothing, a live picture, or plain lines.

    Args:
        as_json: JSON lines on stdout.
        quiet: Warnings only.
        earlier: What earlier processes said, where a run is resumed; read once, if at all.
    """
    from hpo_torch.cli.live_view import LiveView
    from hpo_torch.cli.plain_view import PlainView

    if as_json:
        yield View(hear=_print_event, recall=_print_event)
    elif quiet:
        yield View()
    elif err().is_terminal:
        with LiveView.resumed(err(), earlier) as live:
            yield View(
                hear=live.hear,
                recall=live.recall,
                note=live.note,
                warn=live.warn,
                progress=live.progress,
            )
    else:
        plain = PlainView(out(), earlier)
        yield View(hear=plain.hear, recall=plain.hear, note=plain.note, progress=plain.progress)


def show_events(told: Iterable[Told], view: View) -> None:
    """Show events, those of before anybody watched and those of now, until there are no more."""
    for events, earlier in told:
        hear = view.recall if earlier else view.hear
        for event in events:
            hear(event)


def _print_event(event: AnyEvent) -> None:
    sys.stdout.write(event.model_dump_json() + "\n")
    sys.stdout.flush()
