"""A question to the sampler whose answer is written down only if it is accepted."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import optuna

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage


class Draft(optuna.Trial):
    """Asks for the hyperparameters of a trial that exists, any number of times.

    Optuna writes each value into the storage as it is suggested, and never takes one back. A draft
    keeps them until `write`, and is an ordinary handle from then on; one that is not written leaves
    nothing behind, so that the trial (and its number) can be asked about again. What the sampler
    writes about the trial itself stays.

    Args:
        study: Its sampler is asked.
        handle: A running trial for which nothing has been suggested.
    """

    def __init__(self, study: optuna.Study, handle: optuna.Trial) -> None:
        super().__init__(study, handle._trial_id)
        self._held = _Held(self.storage)
        self.storage: Any = self._held
        # A storage in memory hands out its own record, which suggestions are noted on too.
        self._cached_frozen_trial = deepcopy(self._cached_frozen_trial)

    def write(self) -> None:
        """Write what was suggested."""
        self._held.write()
        self.storage = self.study._storage


class _Held:
    """A storage that keeps the parameters it is given until it is told to write them."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self._parameters: list[tuple[int, str, float, BaseDistribution]] = []

    def set_trial_param(
        self, trial_id: int, name: str, value: float, distribution: BaseDistribution
    ) -> None:
        self._parameters.append((trial_id, name, value, distribution))

    def write(self) -> None:
        for parameter in self._parameters:
            self._storage.set_trial_param(*parameter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)
