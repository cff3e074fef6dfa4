"""Training one trial, the same on every backend."""

from __future__ import annotations
