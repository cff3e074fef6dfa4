"""What the study writes on Optuna's trials, and how it tells its own from others'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from optuna.trial import TrialState as OptunaState

from hpo_torch.study.warm_start import WARM_START_ATTRIBUTE

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

HYPERPARAMETERS: Final = "hyperparameters"
"""The whole configuration: fixed and implied values are no suggestions, and stand only here."""

ATTEMPTS: Final = "attempts"
"""Ids of all attempts, in order; each is written before its job is submitted."""

REFUSED: Final = "refused"
"""How many configurations were drawn before this one and not trained."""

REJECTED: Final = "rejected"
"""Why nothing was trained for a trial; Optuna has it as failed, and nobody counts it as one."""

NEVER_BEGUN: Final = "the process that asked for it ended before it was begun"
"""Why a configuration was rejected that no engine got to train."""

FAILURE_KIND: Final = "failure_kind"

REPEATS: Final = "repeats"
"""On a trial that trains another one again: `Repetition.mark` says which, and with what seed."""


def is_ours(trial: FrozenTrial) -> bool:
    """Whether a trial is one of the wanted ones: begun in this study, and not rejected."""
    marks = trial.user_attrs
    return HYPERPARAMETERS in marks and REJECTED not in marks and WARM_START_ATTRIBUTE not in marks


def our_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the wanted trials that were begun, by number; not to be changed."""
    return [trial for trial in study.get_trials(deepcopy=False) if is_ours(trial)]


def unfinished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return those of our trials that have not ended."""
    return [trial for trial in our_trials(study) if trial.state == OptunaState.RUNNING]


def count_rejected(study: optuna.Study) -> int:
    """Return how many configurations were drawn, or queued, and not trained."""
    marks = [trial.user_attrs for trial in study.get_trials(deepcopy=False)]
    return sum(each.get(REFUSED, 0) + (REJECTED in each) for each in marks)


def reject(study: optuna.Study, trial: optuna.Trial, reason: str) -> None:
    """Tell Optuna that nothing is trained for a trial."""
    trial.set_user_attr(REJECTED, reason)
    study.tell(trial, state=OptunaState.FAIL)


def reopen(study: optuna.Study, trial: FrozenTrial) -> optuna.Trial:
    """Return a handle to a running trial that another process, or an earlier one, asked for."""
    import optuna

    return optuna.Trial(study, trial._trial_id)


def configuration(trial: FrozenTrial) -> dict[str, Any]:
    """Return the whole configuration of one of our trials."""
    values: dict[str, Any] = trial.user_attrs[HYPERPARAMETERS]
    return values
