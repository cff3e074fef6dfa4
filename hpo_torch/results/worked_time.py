"""The time that processes worked on a run: pauses do not count, and no second counts twice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    Span = tuple[datetime, datetime]


def hear(spans: list[Span], moment: datetime, *, begins: bool) -> None:
    """Take in an event of a run's log; each span is a process's, from its first event to its last.

    Args:
        spans: Of the events before, in the log's order.
        moment: When the event happened.
        begins: Whether a process begins its work with it.
    """
    if begins:
        spans.append((moment, moment))
    elif spans:
        first, last = spans[-1]
        spans[-1] = first, max(last, moment)


def merged(spans: Iterable[Span], pause: float = 0.0) -> list[Span]:
    """Return spans in order, as one those that overlap or have less than a pause between them.

    Args:
        spans: From a first moment to a last one.
        pause: Seconds; what is shorter is no pause, but work.
    """
    found: list[Span] = []
    for first, last in sorted(spans):
        between = (first - found[-1][1]).total_seconds() if found else math.inf
        if between <= 0.0 or between < pause:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def seconds_worked(spans: Iterable[Span]) -> float:
    """Return the seconds that at least one of the spans covers."""
    return sum((last - first).total_seconds() for first, last in merged(spans))


def seconds_until(moment: datetime, spans: Iterable[Span]) -> float:
    """Return the seconds before a moment that at least one of the spans covers."""
    return sum(
        max(0.0, (min(last, moment) - first).total_seconds()) for first, last in merged(spans)
    )
