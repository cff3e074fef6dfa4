"""Hyperparameter search for neural networks that cares how healthy the winner is."""

from __future__ import annotations

__version__ = "0.1.0"
