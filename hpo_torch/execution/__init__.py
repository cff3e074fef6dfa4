"""Where trials run: the backend protocol."""

from __future__ import annotations
