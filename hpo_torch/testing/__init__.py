"""Conformance suites and guards for plugin authors."""

from __future__ import annotations
