from __future__ import annotations

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from hpo_torch.config.schema import SearchSettings
from hpo_torch.errors import InvalidValueError
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.study.pruners import make_pruner

SPACE = cnn_space((1, 8, 8), 1_400, 5, 20)


def prune(name, curve, others=(), fixed=None, **options):
    """Say at which epoch a trial with these scores is pruned, after others; None if never."""
    settings = SearchSettings(pruner=name, pruner_options=options)
    study = optuna.create_study(
        direction="maximize", pruner=make_pruner(settings, SPACE, fixed or {})
    )
    for other in others:
        study.add_trial(finished(other))
    trial = study.ask()
    for epoch, score in enumerate(curve, 1):
        trial.report(score, epoch)
        if trial.should_prune():
            return epoch
    return None


def finished(curve):
    return create_trial(
        state=TrialState.COMPLETE,
        value=curve[-1],
        params={"x": 0.5},
        distributions={"x": FloatDistribution(0, 1)},
        intermediate_values=dict(enumerate(curve, 1)),
    )


GOOD, FAIR, BAD = [0.8] * 20, [0.5] * 20, [0.1] * 20


@pytest.mark.parametrize(
    ("name", "options", "epoch"),
    [
        ("none", {}, None),
        ("median", {}, 2),  # never after the first epoch
        ("median", {"n_warmup_steps": 4}, 4),
        ("percentile", {}, 2),
        ("threshold", {"lower": 0.2}, 2),
        ("threshold", {"lower": 0.05}, None),
    ],
)
def test_bad_trial_is_pruned_at(name, options, epoch):
    assert prune(name, BAD, [GOOD, FAIR, FAIR], **options) == epoch


@pytest.mark.parametrize("name", ["median", "percentile"])
def test_nothing_is_pruned_before_three_trials_have_completed(name):
    assert prune(name, BAD, [GOOD, FAIR]) is None


def test_percentile_keeps_the_best_part():
    others = [[score] * 20 for score in (0.9, 0.7, 0.3, 0.1)]
    assert prune("percentile", [0.2] * 5, others) == 2  # worse than the third of four
    assert prune("percentile", [0.4] * 5, others) is None  # among the best three quarters
    assert prune("median", [0.4] * 5, others) == 2


def test_threshold_has_an_upper_bound_where_asked():
    assert prune("threshold", GOOD, lower=0.0, upper=0.7) == 2


def test_patient_waits_while_a_trial_improves():
    rising = [0.1, 0.12, 0.14, 0.16, 0.18, 0.2]
    falling = [0.2, 0.19, 0.18, 0.17, 0.16, 0.15]
    others = [GOOD, FAIR, FAIR]
    assert prune("patient", rising, others) is None
    assert prune("median", rising, others) == 2
    assert prune("patient", falling, others) == 4  # the best is three epochs ago
    assert prune("patient", falling, wrapped="none", patience=1) == 3
    assert prune("patient", falling, others, wrapped_options={"n_startup_trials": 4}) is None


def halve(name, scores, fixed=None, **options):
    """Train trials of constant scores in turn; return the epochs that each had."""
    settings = SearchSettings(pruner=name, pruner_options=options)
    study = optuna.create_study(
        study_name="halving",
        direction="maximize",
        pruner=make_pruner(settings, SPACE, fixed or {}),
    )
    ends = []
    for score in scores:
        trial = study.ask()
        for epoch in range(1, 21):
            trial.report(score, epoch)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, score)
        ends.append(epoch)
    return ends


def test_asha_compares_at_its_rungs_only():
    scores = [0.5, 0.4, 0.6, 0.3, 0.7]
    # Rungs after 5 and 15 epochs: the first trial, and each that beats all before, passes.
    assert halve("asha", scores) == [20, 5, 20, 5, 20]
    assert halve("asha", scores, min_resource=2, reduction_factor=2) == [20, 2, 20, 2, 20]


def test_asha_with_fixed_epochs_still_has_a_rung_before_the_end():
    assert halve("asha", [0.5, 0.4], fixed={"epochs": 20}) == [20, 6]


def test_hyperband_spreads_trials_over_its_brackets():
    ends = halve("hyperband", [0.9 - 0.01 * number for number in range(30)])
    assert set(ends) == {5, 15, 20}  # brackets start at 5 and at 15; the first of each goes on
    assert ends.count(20) == 2


@pytest.mark.parametrize(("epochs", "brackets"), [(242, 5), (243, 6)])
def test_hyperband_has_every_bracket(epochs, brackets):
    settings = SearchSettings(pruner="hyperband", pruner_options={"min_resource": 1})
    pruner = make_pruner(settings, SPACE, {"epochs": epochs})
    study = optuna.create_study(direction="maximize", pruner=pruner)
    trial = study.ask()
    trial.report(0.5, 1)
    trial.should_prune()
    assert pruner._n_brackets == brackets


def test_rung_that_no_trial_reaches_is_an_error():
    settings = SearchSettings(pruner="hyperband", pruner_options={"min_resource": 21})
    with pytest.raises(InvalidValueError, match="min_resource: expected at most 20"):
        make_pruner(settings, SPACE, {})
