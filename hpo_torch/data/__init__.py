"""Data: sets in memory, splits, and batches by index."""

from __future__ import annotations
