"""Which hyperparameters mattered."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from optuna.trial import TrialState

if TYPE_CHECKING:
    import optuna

# Below this the top tenth that PED-ANOVA compares with the rest is one trial of a handful.
ENOUGH_TRIALS = 5


def parameter_importance(study: optuna.Study) -> dict[str, float] | None:
    """Return each searched hyperparameter's share of importance (sum 1), most important first.

    PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255): how much reaching the best trials depends
    on a hyperparameter; in its conditional form it covers those that only some trials have.

    Returns:
        None with fewer than five completed trials.
    """
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(completed) < ENOUGH_TRIALS:
        return None
    # It brings scikit-learn along: seconds that the start of a search would take longer.
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with warnings.catch_warnings():
        # The evaluator is stable in what we use of it; optuna marks it experimental.
        warnings.simplefilter("ignore")
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
