"""Who is told what while a search runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpo_torch.protocol.events import AnyEvent


def ignore(_: str) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is told what while a search runs.

    Attributes:
        listeners: Called with each numbered event.
        note: Takes one line about what happens outside of trials ("scoring the winner ...").
        warn: Takes one line about something that went wrong without ending the search.
        progress: Takes (file, bytes so far, bytes in all or 0) while data are fetched.
    """

    listeners: Sequence[Callable[[AnyEvent], None]] = ()
    note: Callable[[str], None] = field(default=ignore)
    warn: Callable[[str], None] = field(default=ignore)
    progress: Callable[[str, int, int], None] | None = None
