"""Pruners of two objectives: a trial goes on while it ranks well enough at its epoch.

Optuna has none: its pruners compare one value. What ranks before what says
`hpo_torch.search.pareto.place_of`. Each is what its namesake is to one objective: where all trials
are equally healthy, `RungPruner` decides exactly as Optuna's SuccessiveHalvingPruner. Halving by
non-dominated sorting is MO-ASHA (Schmucker et al. 2021, arXiv 2106.12639).

Their memory is the study's storage: the same decisions follow after a resume, and in every engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.pruners import BasePruner
from optuna.trial import TrialState

from hpo_torch.search.pareto import Point, place_of
from hpo_torch.study.epoch_values import reported_epochs, values_after

if TYPE_CHECKING:
    from collections.abc import Iterable

    import optuna
    from optuna.trial import FrozenTrial

    from hpo_torch.search.pruner_options import MedianOptions

_PERCENT = 100.0


class RungPruner(BasePruner):
    """At each rung, the best 1 / `reduction_factor` of the trials that have reached it go on.

    At least the best one does; trials that equal one that goes on do too. A trial that passed is
    not judged again when others come.

    Args:
        rungs: Epochs.
        reduction_factor: One of so many trials passes a rung.
        bootstrap_count: Trials that are stopped at a rung before the first passes it.
    """

    def __init__(self, rungs: Iterable[int], reduction_factor: int, bootstrap_count: int) -> None:
        self._rungs = frozenset(rungs)
        self._factor, self._bootstrap = reduction_factor, bootstrap_count

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Judge a trial by its newest epoch, if that is a rung."""
        epoch = max(reported_epochs(trial), default=0)
        if epoch not in self._rungs:
            return False
        points = _points(study.get_trials(deepcopy=False), epoch)
        if len(points) <= self._bootstrap:
            return True
        return place_of(points, trial.number) >= max(1, len(points) // self._factor)


class SharePruner(BasePruner):
    """The best `percentile` percent of the completed trials, at the same epoch, show who goes on.

    Args:
        options: When to judge, and by how many.
        percentile: A trial is pruned if more than this share of the others ranks before it.
    """

    def __init__(self, options: MedianOptions, percentile: float) -> None:
        self._options, self._percentile = options, percentile

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Judge a trial by its newest epoch, if it is one to be judged by."""
        options, epoch = self._options, max(reported_epochs(trial), default=0)
        since = epoch - options.n_warmup_steps
        if epoch == 0 or since < 0 or since % options.interval_steps:
            return False
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        others = _points(completed, epoch)
        if len(completed) < options.n_startup_trials or len(others) < options.n_min_trials:
            return False
        own = _points([trial], epoch)
        share = self._percentile / _PERCENT * len(others)
        return bool(others) and place_of([*others, *own], trial.number) > share


def _points(trials: Iterable[FrozenTrial], epoch: int) -> list[Point]:
    known = ((trial.number, values_after(trial, epoch)) for trial in trials)
    return [Point(number, *pair) for number, pair in known if pair is not None]
