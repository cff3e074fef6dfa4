"""Pruners: when a trial is stopped for being worse than its predecessors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

if TYPE_CHECKING:
    from hpo_torch.config.schema import SearchSettings

# The first epochs of a healthy network can look bad (a low learning rate); one is not judged.
FIRST_JUDGED_EPOCH = 2
# A median needs a few finished trials to mean something; trial 0, a good default, is one of them.
UNPRUNED_TRIALS = 3


def make_pruner(settings: SearchSettings) -> optuna.pruners.BasePruner:
    """Build the pruner that the settings name; steps are epochs, from 1."""
    if settings.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=UNPRUNED_TRIALS, n_warmup_steps=FIRST_JUDGED_EPOCH
    )
