from __future__ import annotations

import random

import numpy as np
import torch

from hpo_torch.training.seeding import seed_everything


def drawn():
    return random.random(), float(np.random.random()), torch.rand(1).item()


def test_seed_everything_seeds_all_three_generators():
    seed_everything(5)
    first = drawn()
    assert all(a != b for a, b in zip(first, drawn(), strict=True))
    seed_everything(5)
    assert drawn() == first
