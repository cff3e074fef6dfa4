"""Every random generator of a process, set from a trial's seed."""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators (CUDA's included)."""
    random.seed(seed)
    np.random.seed(seed)  # third-party code may still draw from the global one
    torch.manual_seed(seed)
