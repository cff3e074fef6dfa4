"""A run as one page: report.html, made from its folder alone, readable without a network."""

from __future__ import annotations
