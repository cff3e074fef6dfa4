"""Values as the page's text."""

from __future__ import annotations

import math
from typing import Any

_THOUSAND = 1000.0
_MINUTE = 60


def cell(value: Any) -> str:
    """Write a table's value so that a program can sort by it: plain numbers, no units.

    >>> cell(0.000123456789), cell(None), cell([3, 5]), cell(True), cell(421642)
    ('0.000123457', '', '3, 5', 'yes', '421642')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    return str(value)


def figure(value: float | None, digits: int = 4) -> str:
    """Write a figure to so many decimals; "" where it is not known."""
    return "" if value is None else f"{value:.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share 0..1 in per cent; "" where it is not known.

    >>> percent(0.9125)
    '91.2 %'
    """
    return "" if share is None or math.isnan(share) else f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """Write seconds for people.

    >>> duration(3.21), duration(75), duration(3675), duration(200_000)
    ('3.2 s', '1 min 15 s', '1 h 01 min', '55 h 33 min')
    """
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest} s"


def size(count: float | None) -> str:
    """Write bytes for people; "" where it is not known.

    >>> size(81_000_000), size(512)
    ('81.0 MB', '512 B')
    """
    if count is None:
        return ""
    if count < _THOUSAND:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= _THOUSAND
        if count < _THOUSAND:
            return f"{count:.1f} {unit}"
    return f"{count / _THOUSAND:.1f} TB"
