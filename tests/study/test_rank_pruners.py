"""Pruning by rank, computed by hand, and against Optuna's own pruners of one objective."""

from __future__ import annotations

import random

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from hpo_torch.config.schema import SearchSettings
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.study.epoch_values import (
    attribute,
    report,
    reported_epochs,
    should_prune,
    values_after,
)
from hpo_torch.study.pruners import make_pruner

SPACE = cnn_space((1, 8, 8), 1_400, 5, 20)


def new_study(name, *, two=True, **options):
    settings = SearchSettings(
        mode="pareto" if two else "simple", pruner=name, pruner_options=options
    )
    return optuna.create_study(
        directions=["maximize"] * (2 if two else 1), pruner=make_pruner(settings, SPACE, {})
    )


def play(study, curve):
    """Report (objective, health) after each epoch; return the epoch of pruning, None if never."""
    trial = study.ask()
    two = len(study.directions) > 1
    for epoch, (objective, health) in enumerate(curve, 1):
        report(trial, objective, health, epoch)
        if should_prune(trial):
            study.tell(trial, state=TrialState.PRUNED)
            return epoch
    study.tell(trial, list(curve[-1]) if two else curve[-1][0])
    return None


def flat(objective, health, epochs=20):
    return [(objective, health)] * epochs


def test_rungs_let_a_third_pass_by_rank():
    """Rungs of 5 to 20 epochs by thirds: 5 and 15. At rung 5, of n trials max(1, n // 3) pass."""
    study = new_study("asha")
    assert play(study, flat(0.8, 0.5)) is None  # 1 of 1
    assert play(study, flat(0.7, 0.4)) == 5  # dominated: place 1 of 2, 1 passes
    # On the front with 0; alone it covers 0.6 x 0.6 = 0.36, trial 0 covers 0.40: place 1.
    assert play(study, flat(0.6, 0.6)) == 5
    # Alone 0.6 x 0.7 = 0.42, more than 0.40: place 0, of 4 trials 1 passes. Dominates trial 2.
    assert play(study, flat(0.6, 0.7)) is None
    # Alone 0.9 x 0.1 = 0.09; first 3 (0.42), then 0 adds 0.2 x 0.5 = 0.10, then this: place 2.
    assert play(study, flat(0.9, 0.1)) == 5
    # Alone 0.9 x 0.2 = 0.18; first 3, then this adds 0.3 x 0.2 = 0.06 and 0 adds 0.10: place 2.
    assert play(study, flat(0.9, 0.2)) == 5
    # Of 7 trials 2 pass: the first front is this (0.9, 0.4: 0.36), 3 (0.42), 0; after 3 this adds
    # 0.3 x 0.4 = 0.12, 0 adds 0.10: place 1. At rung 15, of 3 (0, 3 and this), the first passes.
    assert play(study, flat(0.9, 0.4)) == 15


def test_a_rung_is_judged_at_its_epoch_alone():
    study = new_study("asha")
    assert play(study, flat(0.8, 0.5)) is None
    late = [*flat(0.1, 0.1, 4), (0.9, 0.9), *flat(0.1, 0.1, 9), (0.2, 0.2), *flat(0.9, 0.9, 5)]
    assert play(study, late) == 15


def test_bootstrap_stops_the_first_ones():
    study = new_study("asha", bootstrap_count=2)
    ends = [play(study, flat(0.5 + 0.1 * n, 0.5)) for n in range(5)]
    assert ends == [5, 5, 15, 15, None]  # two at each rung


def test_median_judges_by_the_completed_trials_once_there_are_three():
    study = new_study("median")
    for health in (0.9, 0.5, 0.3):
        assert play(study, flat(0.8, health)) is None
    # Order of the completed: 0.9, 0.5, 0.3. Half of three is 1.5: two before it are too many.
    assert play(study, flat(0.8, 0.4)) == 2  # never after the first epoch
    assert play(study, flat(0.8, 0.6)) is None  # one before it


def test_percentile_keeps_the_best_part():
    study = new_study("percentile")  # three quarters
    for health in (0.1, 0.3, 0.7, 0.9):
        assert play(study, flat(0.8, health)) is None
    assert play(study, flat(0.8, 0.05)) == 2  # four before it, of at most three
    assert play(study, flat(0.8, 0.2)) is None


def test_none_prunes_nothing():
    study = new_study("none")
    assert [play(study, flat(0.9 - 0.1 * n, 0.5)) for n in range(5)] == [None] * 5


def curves(seed):
    rng = random.Random(seed)
    return [[rng.randrange(10) / 10 for _ in range(20)] for _ in range(40)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("options", [{}, {"reduction_factor": 2, "bootstrap_count": 3}])
def test_where_all_are_equally_healthy_rungs_are_those_of_optuna(seed, options):
    for health in (0.0, 0.6):
        one, two = new_study("asha", two=False, **options), new_study("asha", **options)
        ends = [
            [play(study, [(value, health) for value in curve]) for curve in curves(seed)]
            for study in (one, two)
        ]
        assert ends[0] == ends[1]


def test_pairs_are_kept_in_the_storage_and_read_back():
    study = new_study("none")
    trial = study.ask()
    report(trial, 0.5, 0.25, 1)
    report(trial, 0.75, 0.0, 2)
    (stored,) = study.get_trials()
    assert reported_epochs(stored) == {1, 2}
    assert values_after(stored, 2) == (0.75, 0.0)
    assert values_after(stored, 3) is None


def test_earlier_runs_trials_take_part():
    study = new_study("median")
    for _ in range(3):
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                values=[0.9, 0.9],
                user_attrs={attribute(epoch): [0.9, 0.9] for epoch in range(1, 21)},
            )
        )
    assert play(study, flat(0.5, 0.5)) == 2
