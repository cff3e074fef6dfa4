"""How healthy a network is, measured while it trains."""

from __future__ import annotations
