"""What a run leaves behind, and how it is read again."""

from __future__ import annotations
