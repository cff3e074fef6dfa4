"""What a trial has reached after each epoch, told to Optuna whatever the study optimises.

Optuna takes reports, and asks its pruner, in studies of one objective only. A study of two keeps
each pair as a user attribute of the trial: in the same storage as all else, so that it is there
after a resume and seen by every engine of a shared study, and refused once the trial has finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

PREFIX: Final = "values_after_epoch_"
"""Of the attributes' names, before the epoch's number, from 1. Values are [objective, health]."""


def has_two_objectives(study: optuna.Study) -> bool:
    """Whether the study optimises objective and health as two."""
    return len(study.directions) > 1


def attribute(epoch: int) -> str:
    """Return the name of the attribute for an epoch."""
    return f"{PREFIX}{epoch}"


def report(handle: optuna.Trial, score: float, health: float, epoch: int) -> None:
    """Tell Optuna what a trial has reached; in studies of one objective that is the score."""
    if has_two_objectives(handle.study):
        handle.set_user_attr(attribute(epoch), [score, health])
    else:
        handle.report(score, epoch)


def reported_epochs(trial: FrozenTrial) -> frozenset[int]:
    """Return the epochs of which Optuna was told."""
    pairs = (name.removeprefix(PREFIX) for name in trial.user_attrs if name.startswith(PREFIX))
    return frozenset(trial.intermediate_values) | frozenset(map(int, pairs))


def values_after(trial: FrozenTrial, epoch: int) -> tuple[float, float] | None:
    """Return (objective, health) after an epoch; None where Optuna was not told."""
    pair = trial.user_attrs.get(attribute(epoch))
    return None if pair is None else (pair[0], pair[1])


def should_prune(handle: optuna.Trial) -> bool:
    """Ask the study's pruner about a trial after its newest epoch."""
    study = handle.study
    if not has_two_objectives(study):
        return handle.should_prune()
    return study.pruner.prune(study, study.get_trials(deepcopy=False)[handle.number])
