"""Figures as text: times, curves, and how health reads."""

from __future__ import annotations

from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"
HEALTHY, WEAK = 0.7, 0.4


def sparkline(values: Sequence[float]) -> str:
    """Draw numbers as blocks between their own minimum and maximum.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▄█'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(BARS[1 + int((value - low) / span * 7)] for value in values)


def bar(value: float, width: int) -> str:
    """Draw a share 0..1 as a bar.

    >>> bar(0.5, 4)
    '━━──'
    """
    full = round(min(max(value, 0.0), 1.0) * width)
    return "━" * full + "─" * (width - full)


def clock(seconds: float) -> str:
    """Write seconds as m:ss, or h:mm:ss.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def health_style(value: float) -> str:
    """Colour a health value by how it reads: healthy, weak, ill."""
    return "green" if value >= HEALTHY else "yellow" if value >= WEAK else "red"
