"""Networks built from hyperparameters."""

from __future__ import annotations
