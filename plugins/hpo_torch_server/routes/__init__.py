"""The routes: thin, one file for each group of them, models beside."""

from __future__ import annotations
