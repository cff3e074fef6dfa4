"""Optuna's interface to the grid: each trial takes the next point that no trial has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.samplers import BaseSampler, RandomSampler

from hpo_torch.study.queue_file import is_queued
from hpo_torch.study.seeds import trial_seed
from hpo_torch.study.trial_marks import NEVER_BEGUN, REJECTED
from hpo_torch.study.warm_start import WARM_START_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from hpo_torch.search.domains import Value
    from hpo_torch.search.grid import Grid


class GridSampler(BaseSampler):
    """Goes through a grid in its order; which points are taken stands in the study's storage.

    Optuna's own GridSampler knows no conditions: it would visit a point once for each value of a
    momentum that Adam does not have. Its end also needs `Study.optimize`.

    Args:
        grid: The points.
        seed: Of the study; draws what a queued configuration leaves open off the grid.
    """

    def __init__(self, grid: Grid, seed: int) -> None:
        self._grid, self._seed = grid, seed
        self._trial = -1
        self._point: dict[str, Value] = {}
        self._passed_over: set[frozenset[tuple[str, Value]]] = set()
        # Of the first trials, up to one that has not ended: they are not looked at again.
        self._ended = self._followed = 0
        self._taken: set[frozenset[tuple[str, Value]]] = set()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return nothing: hyperparameters are chosen one by one."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the trial's point's value.

        A queued configuration may leave the grid, and then need what its point does not have: that
        is drawn at random.
        """
        if trial.number != self._trial:
            position = self._next(study, trial)
            self._point = {} if position is None else self._grid.point(position)
            self._trial = trial.number
        if param_name in self._point:
            return self._point[param_name]
        random = RandomSampler(seed=trial_seed(self._seed, trial.number))
        return random.sample_independent(study, trial, param_name, param_distribution)

    def pass_over(self) -> None:
        """Propose another point for the trial that was asked about last, and that one no more."""
        self._passed_over.add(frozenset(self._point.items()))
        self._trial = -1

    def exhausted(self, study: Study) -> bool:
        """Whether every point has been taken, by a finished trial or one in training."""
        return self._next(study, None) is None

    def _next(self, study: Study, trial: FrozenTrial | None) -> int | None:
        """Find the first position in the order that no other trial has taken."""
        # From the storage, since a pruner may show a sampler a part of the study's trials only.
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
        self._look_at_ended(trials)
        others = [
            other
            for other in trials[self._ended :]
            if trial is None or other.number != trial.number
        ]
        taken = self._passed_over | set(filter(None, map(_point_of, others)))
        # All positions before the number of grid trials are taken, save where engines collided, one
        # died between asking and training, or points were passed over.
        first = self._followed + sum(map(_follows, others))
        size = self._grid.size
        for offset in range(min(size, len(self._taken) + len(taken) + 1)):
            position = (first + offset) % size
            point = frozenset(self._grid.point(position).items())
            if point not in taken and point not in self._taken:
                return position
        return None

    def _look_at_ended(self, trials: Sequence[FrozenTrial]) -> None:
        while self._ended < len(trials) and trials[self._ended].state.is_finished():
            trial = trials[self._ended]
            self._followed += _follows(trial)
            if point := _point_of(trial):
                self._taken.add(point)
            self._ended += 1


def _is_from_elsewhere(trial: FrozenTrial) -> bool:
    """Whether a trial was trained in an earlier run, and not in this one."""
    return WARM_START_ATTRIBUTE in trial.user_attrs


def _follows(trial: FrozenTrial) -> bool:
    """Whether a trial was given a position of the order."""
    return not (_is_from_elsewhere(trial) or is_queued(trial))


def _point_of(trial: FrozenTrial) -> frozenset[tuple[str, Value]]:
    """Return the point that a trial has taken; an empty one where it has taken none."""
    unbegun = trial.user_attrs.get(REJECTED) == NEVER_BEGUN
    return frozenset() if unbegun or _is_from_elsewhere(trial) else frozenset(trial.params.items())
