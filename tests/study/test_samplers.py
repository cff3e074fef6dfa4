"""Every sampler, asked through SearchSpace.sample as the study asks, with the journal storage."""

from __future__ import annotations

import math

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from hpo_torch.config.schema import SearchSettings
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.sampler_options import SAMPLERS
from hpo_torch.search.space import Parameter, SearchSpace, When
from hpo_torch.study import grid_sampler
from hpo_torch.study.queue_file import enqueue, outside
from hpo_torch.study.samplers import (
    exhausted,
    make_sampler,
    population,
    startup_trials,
    unconditional_numbers,
)
from hpo_torch.study.trial_marks import NEVER_BEGUN, REJECTED
from hpo_torch.study.warm_start import WARM_START_ATTRIBUTE

# 8x8 images: of depth, padding and pooling, what is left depends on what was chosen before.
SPACE = cnn_space((1, 8, 8), 1_400, 5, 20)
TRIALS = 10

SMALL = SearchSpace(
    "cnn",
    (
        Parameter("optimizer", Choice(("adam", "sgd")), "adam", "Steps."),
        Parameter("momentum", Float(0.8, 1.0), 0.9, "Of SGD.", when=When("optimizer", ("sgd",))),
        Parameter("epochs", Int(1, 2), 2, "Passes."),
    ),
)


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def score(values):
    return 1 / (1 + abs(100 * values["learning_rate"] - 1) + 0.1 * values["hidden_layers"])


@pytest.fixture
def open_study(tmp_path):
    """Open a study in a journal file, with a sampler of its own, as a new process would."""

    def open_study(name, sampler="tpe", space=SPACE, fixed=None, *, parallel=False, **options):
        settings = SearchSettings(sampler=sampler, sampler_options=options, trials=TRIALS, seed=5)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(tmp_path / name))),
            study_name="search",
            direction="maximize",
            load_if_exists=True,
            sampler=make_sampler(settings, space, fixed or {}, parallel=parallel),
        )

    return open_study


def train(study, trials, space=SPACE, fixed=None, score=score):
    """Ask and tell; every fifth trial is pruned, and another fifth fails."""
    asked = []
    for _ in range(trials):
        trial = study.ask()
        values = space.sample(trial, {**(fixed or {}), **outside(trial)})
        asked.append(values)
        trial.report(score(values), 1)
        if trial.number % 5 == 3:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif trial.number % 5 == 4:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, score(values))
    return asked


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_stopped_and_reopened_study_goes_on_as_an_uninterrupted_one(open_study, sampler):
    options = {"popsize": 4} if sampler == "cmaes" else {}
    whole = open_study("whole", sampler, **options)
    enqueue(whole, SPACE, [SPACE.defaults({})])
    uninterrupted = train(whole, TRIALS)
    enqueue(open_study("parts", sampler, **options), SPACE, [SPACE.defaults({})])
    resumed = [
        values
        for trials in (1, 4, TRIALS - 5)
        for values in train(open_study("parts", sampler, **options), trials)
    ]
    assert resumed == uninterrupted


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_of_the_space_and_differ(open_study, sampler):
    asked = train(open_study("study", sampler), TRIALS)
    assert all(SPACE.check_complete(values) == values for values in asked)
    assert all(
        SPACE.parameter(name).domain.convert(value) == value
        for values in asked
        for name, value in values.items()
    )
    assert len({str(sorted(values.items())) for values in asked}) == TRIALS


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_fixed_values_and_queued_ones_outside_of_the_domain_disturb_no_sampler(open_study, sampler):
    fixed = {"optimizer": "sgd", "epochs": 7}
    study = open_study("study", sampler, fixed=fixed)
    enqueue(study, SPACE, [{"weight_decay": 0.0, "filters": 48, "dropout": 0.1}])
    asked = train(study, TRIALS, fixed=fixed)
    assert (asked[0]["weight_decay"], asked[0]["filters"], asked[0]["dropout"]) == (0.0, 48, 0.1)
    assert study.trials[0].params["dropout"] == 0.1
    assert {"weight_decay", "filters", "epochs"}.isdisjoint(study.trials[0].params)
    assert all(values["epochs"] == 7 and "momentum" in values for values in asked)


@pytest.mark.parametrize(
    ("sampler", "options"),
    [
        ("tpe", {"n_startup_trials": 8}),
        ("gp", {"n_startup_trials": 6}),
        ("cmaes", {}),
        ("nsga2", {"population_size": 8}),
    ],
)
def test_learning_samplers_learn(open_study, sampler, options):
    def distance(values):
        return abs(math.log10(values["learning_rate"]) + 2)

    searched = {"learning_rate", "dropout", "optimizer", "momentum"}
    fixed = {name: value for name, value in SPACE.defaults({}).items() if name not in searched}
    study = open_study("study", sampler, fixed=fixed, **options)
    wanted = 24 if sampler == "gp" else 64
    asked = train(study, wanted, fixed=fixed, score=lambda values: 1 - distance(values) / 3)
    distances = [distance(values) for values in asked]
    # A random one comes this close once in four: rates span 2.5 decades, 0.3 is to either side.
    assert sum(found < 0.3 for found in distances[-10:]) >= 5


def test_engines_that_ask_at_the_same_time_get_different_proposals(open_study):
    first, second = open_study("study", "random"), open_study("study", "random")
    trials = [first.ask(), second.ask()]
    proposals = [SPACE.sample(trial, {}) for trial in trials]
    assert proposals[0] != proposals[1]


def test_handle_of_a_running_trial_keeps_its_values(open_study):
    for sampler in SAMPLERS:
        study = open_study(sampler, sampler)
        values = SPACE.sample(study.ask(), {})
        later = open_study(sampler, sampler)
        again = optuna.Trial(later, later.trials[0]._trial_id)
        assert SPACE.sample(again, {}) == values


def test_grid_visits_each_point_once_and_then_is_exhausted(open_study):
    asked = []
    while not exhausted(study := open_study("study", "grid", SMALL)):  # reopened for each trial
        asked += train(study, 1, SMALL, score=lambda _: 0.5)
    expected = [("adam", None, epochs) for epochs in (1, 2)]
    expected += [("sgd", momentum, epochs) for momentum in (0.8, 0.9, 1.0) for epochs in (1, 2)]
    found = [(v["optimizer"], v.get("momentum"), v["epochs"]) for v in asked]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_grid_knows_points_that_were_queued_and_fills_partial_ones(open_study):
    study = open_study("study", "grid", SMALL)
    enqueue(study, SMALL, [{"optimizer": "sgd", "momentum": 0.85}, SMALL.defaults({})])
    asked = train(study, 2, SMALL, score=lambda _: 0.5)
    assert asked[0] == {"optimizer": "sgd", "momentum": 0.85, "epochs": asked[0]["epochs"]}
    while not exhausted(study):
        asked += train(study, 1, SMALL, score=lambda _: 0.5)
    assert len(asked) == 8 + 1  # the first is off the grid, the second is one of its points


def test_grid_leaves_no_hole_where_engines_collided(open_study):
    study = open_study("study", "grid", SMALL)
    point = train(study, 1, SMALL, score=lambda _: 0.5)[0]
    twice = study.ask({"epochs": optuna.distributions.IntDistribution(1, 2)})
    study.tell(twice, 0.5)  # another engine's trial, which took no further point
    while not exhausted(study):
        train(study, 1, SMALL, score=lambda _: 0.5)
    visited = {frozenset(trial.params.items()) for trial in study.trials if len(trial.params) > 1}
    assert (len(visited), frozenset(point.items()) in visited) == (8, True)


def test_grid_visits_points_that_an_earlier_run_has_trained(open_study):
    study = open_study("study", "grid", SMALL)
    asked = []
    while not exhausted(study):
        asked += train(study, 1, SMALL, score=lambda _: 0.5)
    later = open_study("later", "grid", SMALL)
    for trial in study.trials:
        later.add_trial(
            optuna.trial.create_trial(
                value=0.5,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs={WARM_START_ATTRIBUTE: "earlier"},
            )
        )
    assert not exhausted(later)
    assert train(later, 8, SMALL, score=lambda _: 0.5) == asked
    assert exhausted(later)


def test_grid_goes_back_to_a_point_that_was_never_begun(open_study):
    study = open_study("study", "grid", SMALL)
    lost = study.ask()
    SMALL.sample(lost, {})
    lost.set_user_attr(REJECTED, NEVER_BEGUN)
    study.tell(lost, state=optuna.trial.TrialState.FAIL)
    asked = []
    while not exhausted(study):
        asked += train(study, 1, SMALL, score=lambda _: 0.5)
    assert len(asked) == 8


def test_no_other_sampler_is_ever_exhausted(open_study):
    assert not exhausted(open_study("study", "qmc", SMALL))


def test_cmaes_searches_the_numbers_that_every_trial_has():
    found = unconditional_numbers(SPACE, {"dropout": 0.1})
    assert {"learning_rate", "weight_decay", "conv_layers", "hidden_layers", "epochs"} <= set(found)
    assert {"dropout", "momentum", "filters", "pool_size", "optimizer"}.isdisjoint(found)


@pytest.mark.parametrize(("trials", "startup", "size"), [(1, 4, 4), (10, 4, 4), (24, 8, 6)])
def test_small_searches_do_not_stay_random(trials, startup, size):
    assert (startup_trials(trials), population(trials)) == (startup, size)


def test_options_reach_optuna(open_study):
    study = open_study("study", "tpe", n_startup_trials=0, n_ei_candidates=7, parallel=True)
    inner = study.sampler._inner
    assert (inner._n_startup_trials, inner._n_ei_candidates) == (0, 7)
    assert inner._constant_liar
    qmc = open_study("qmc", "qmc", qmc_type="halton").sampler._inner
    assert (qmc._qmc_type, qmc._seed, qmc._scramble) == ("halton", 5, True)


def test_grid_looks_at_a_trial_that_has_ended_once(open_study, monkeypatch):
    study = open_study("study", "grid")
    train(study, 10)
    looked_at = []
    point_of = grid_sampler._point_of
    monkeypatch.setattr(
        grid_sampler, "_point_of", lambda trial: looked_at.append(trial.number) or point_of(trial)
    )
    train(study, 10)
    assert not exhausted(study)
    # The one before is looked at when the next one is asked for; at the end the last of all.
    assert looked_at == list(range(9, 20))
