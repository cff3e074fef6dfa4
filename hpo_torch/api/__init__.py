"""What Python callers use: search, and work with what came of it."""

from __future__ import annotations
