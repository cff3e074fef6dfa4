"""The study: it asks, submits, listens and tells, and owns every decision."""

from __future__ import annotations
