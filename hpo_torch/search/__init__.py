"""What is searched: spaces, objectives, modes."""

from __future__ import annotations
