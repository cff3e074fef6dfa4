"""One seed per trial, from the study's."""

from __future__ import annotations

import numpy as np


def trial_seed(study_seed: int, trial: int) -> int:
    """Derive a trial's seed, 0..2**32-1, from the study's seed and the trial's number.

    numpy's SeedSequence spreads neighbouring inputs over unrelated seeds, so that neither equal
    trial numbers of two studies nor neighbouring trials share weights or shuffling.
    """
    return int(np.random.SeedSequence([study_seed, trial]).generate_state(1)[0])


def fresh_seed(study_seed: int, trial: int, repetition: int) -> int:
    """Derive the seed of a trial's repetition, 0..2**32-1.

    Args:
        study_seed: The study's.
        trial: The trial's number.
        repetition: From 1: SeedSequence pads with zeros, so that 0 would be the trial's own seed.
    """
    return int(np.random.SeedSequence([study_seed, trial, repetition]).generate_state(1)[0])
