"""Optuna's replay of a journal, faster where its lines say the same again and again.

A long study is opened by replaying every operation. Most set a parameter, with its distribution as
text: the same few texts in all trials. Each is read, and compared with what earlier trials had,
once; all trials then share one distribution.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from optuna.storages.journal._storage import JournalStorageReplayResult

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Replay(JournalStorageReplayResult):
    """What the operations of a journal come to: exactly what Optuna's own replay makes of them.

    Args:
        worker_id_prefix: Of the storage.
    """

    def __init__(self, worker_id_prefix: str) -> None:
        super().__init__(worker_id_prefix)
        # By study, parameter and text: those that a trial of the study was given.
        self._accepted: dict[tuple[int, str, str], BaseDistribution] = {}

    def _apply_set_trial_param(self, log: dict[str, Any]) -> None:
        number, name, text = log["trial_id"], log["param_name"], log["distribution"]
        key = (self._trial_id_to_study_id.get(number, -1), name, text)
        distribution = self._accepted.get(key)
        if distribution is None:
            super()._apply_set_trial_param(log)
            trial = self._trials.get(number)
            given = None if trial is None else trial.distributions.get(name)
            if given is not None and given == json_to_distribution(text):
                self._accepted[key] = given
        elif self._trial_exists_and_updatable(number, log):
            value = distribution.to_external_repr(log["param_value_internal"])
            # A new record each time, as Optuna makes: somebody may hold the one before.
            trial = copy.copy(self._trials[number])
            trial.params = {**trial.params, name: value}
            trial.distributions = {**trial.distributions, name: distribution}
            self._trials[number] = trial
