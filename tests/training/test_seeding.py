from __future__ import annotations

import random

import numpy as np
import torch

from hpo_torch.training.seeding import random_states, restore_random_states, seed_everything


def drawn():
    return random.random(), float(np.random.random()), torch.rand(1).item()


def test_seed_everything_seeds_all_three_generators():
    seed_everything(5)
    first = drawn()
    assert all(a != b for a, b in zip(first, drawn(), strict=True))
    seed_everything(5)
    assert drawn() == first


def test_random_states_are_put_back():
    def draw():
        return random.random(), float(np.random.normal()), float(torch.rand(()))

    seed_everything(5)
    draw()  # an odd number of normal numbers: numpy keeps the second of a pair
    states = random_states(torch.device("cpu"))
    expected = [draw(), draw()]
    seed_everything(6)
    restore_random_states(states, torch.device("cpu"))
    assert [draw(), draw()] == expected
