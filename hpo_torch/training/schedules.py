"""From hyperparameters to the learning rate's course over a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from torch.optim import lr_scheduler

from hpo_torch.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch.optim import Optimizer

    Schedule = lr_scheduler.LRScheduler


def build_schedule(
    hyperparameters: Mapping[str, Any], optimizer: Optimizer, steps: int
) -> Schedule | None:
    """Make the schedule of a configuration, to be stepped after every step of the optimiser.

    Its length is that of all planned epochs: a training that is stopped earlier ends on the way.

    Args:
        hyperparameters: A complete configuration: schedule and learning_rate.
        optimizer: Of the same configuration.
        steps: Of the optimiser, in all planned epochs.

    Returns:
        None where the learning rate stays as it is.

    Raises:
        UnknownNameError: There is no such schedule.
    """
    name = hyperparameters["schedule"]
    if name not in _SCHEDULES:
        raise UnknownNameError("schedule", name, _SCHEDULES)
    return _SCHEDULES[name](optimizer, hyperparameters["learning_rate"], steps)


def _constant(_optimizer: Optimizer, _learning_rate: float, _steps: int) -> None:
    return None


def _cosine(optimizer: Optimizer, _learning_rate: float, steps: int) -> Schedule:
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)


def _one_cycle(optimizer: Optimizer, learning_rate: float, steps: int) -> Schedule:
    # torch's defaults: up from 1/25 of the rate in the first 30 % of the steps, then down to next
    # to nothing, both along a cosine. Momentum stays: Adam's and RMSprop's has no counterpart
    # of SGD's, and SGD's is a hyperparameter of its own.
    return lr_scheduler.OneCycleLR(optimizer, learning_rate, steps, cycle_momentum=False)


_SCHEDULES: Final[Mapping[str, Callable[[Optimizer, float, int], Schedule | None]]] = {
    "constant": _constant,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
}
