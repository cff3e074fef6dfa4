"""Execution backends on this machine: worker processes, or this very process."""

from __future__ import annotations
