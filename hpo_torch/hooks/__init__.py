"""Plugins: the hooks, the records they return, and how a record becomes an object."""

from __future__ import annotations
