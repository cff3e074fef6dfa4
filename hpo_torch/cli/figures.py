"""Figures as text: times, curves, and how health reads."""

from __future__ import annotations

from collections.abc import Sequence

from hpo_torch.protocol.usage import Cost

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


def dollars(cost: Cost) -> str:
    """Write between which bounds a cost lies.

    >>> dollars(Cost(lower=0.012, upper=0.0304)), dollars(Cost(lower=2.5, upper=11.0))
    ('$0.0120 to $0.0304', '$2.50 to $11.00')
    """
    digits = 4 if cost.upper < 1.0 else 2  # a small trial costs a fraction of a cent
    return f"${cost.lower:.{digits}f} to ${cost.upper:.{digits}f}"


def health_style(value: float) -> str:
    """Colour a health value by how it reads: healthy, weak, ill."""
    return "green" if value >= HEALTHY else "yellow" if value >= WEAK else "red"
