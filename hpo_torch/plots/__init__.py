"""Pictures, drawn from a run's results alone."""

from __future__ import annotations
