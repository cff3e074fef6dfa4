"""Settings: the schema, and how files, environment and command line become one RunConfig."""

from __future__ import annotations
