"""The command line: options in, one call, text out."""

from __future__ import annotations
