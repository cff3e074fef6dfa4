"""Asking again: what is refused, what is left of the sampler's distribution, and when it ends."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from hpo_torch.config.schema import SearchSettings
from hpo_torch.data.requests import data_request
from hpo_torch.data.spec import DatasetFacts
from hpo_torch.models.size import count_configuration, estimate_step_memory
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.grid import Grid
from hpo_torch.search.space import Parameter, SearchSpace
from hpo_torch.study import proposals
from hpo_torch.study.grid_sampler import GridSampler
from hpo_torch.study.plan import plan_study
from hpo_torch.study.proposals import Proposer
from hpo_torch.study.samplers import make_sampler
from hpo_torch.study.size_limits import SizeLimits
from hpo_torch.study.strays import put_back
from hpo_torch.study.trial_marks import HYPERPARAMETERS, NEVER_BEGUN, count_rejected, our_trials

SPACE = SearchSpace(
    "toy",
    (
        Parameter("depth", Int(1, 4), 1, "layers"),
        Parameter("width", Choice((8, 16, 32)), 8, "units a layer"),
        # Makes repetitions unlikely.
        Parameter("seed", Int(0, 10**9), 0, "anything"),
    ),
)


def make_plan(space=SPACE, fixed=None):
    search = SimpleNamespace(
        seed=1,
        max_compute=None,
        max_parameters=None,
        max_memory=None,
    )
    return SimpleNamespace(
        space=space,
        fixed=fixed or {},
        defaults=space.defaults(fixed or {}),
        config=SimpleNamespace(search=search),
        facts=DatasetFacts(num_classes=2, input_shape=(1, 8, 8), sizes=(100, 10)),
    )


@pytest.fixture
def study():
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))


def values(proposal):
    return proposal.handle.user_attrs[HYPERPARAMETERS]


class SmallOnly:
    """Refuses more than 64 units in all."""

    def violation(self, values):
        units = values["depth"] * values["width"]
        return f"{units} units" if units > 64 else None


def test_accepted_configurations_follow_the_conditional_distribution(study, monkeypatch):
    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: SmallOnly())
    proposer = Proposer(make_plan(), study, print)
    count = 1200
    accepted = Counter(
        (values(p)["depth"], values(p)["width"]) for p in (proposer.propose() for _ in range(count))
    )
    # Of 4 x 3 equally likely pairs, (3, 32) and (4, 32) are too large: a tenth each is left.
    assert len(accepted) == 10
    # 4.5 standard deviations of a binomial count around 120.
    assert all(abs(n - 120) < 4.5 * (1200 * 0.1 * 0.9) ** 0.5 for n in accepted.values())
    rejected = count_rejected(study)
    assert abs(rejected / (rejected + count) - 2 / 12) < 0.04
    assert len(our_trials(study)) == count


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "cmaes", "nsga2", "qmc"])
def test_what_is_refused_takes_no_number_and_leaves_nothing(tmp_path, monkeypatch, sampler):
    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: SmallOnly())
    luck = Parameter("luck", Float(0.0, 1.0), 0.5, "anything")
    space = SearchSpace("toy", (*SPACE.parameters[:2], luck))
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
    settings = SearchSettings(sampler=sampler, trials=20, seed=5)
    chosen = make_sampler(settings, space, {}, parallel=False)
    study = optuna.create_study(storage=storage, sampler=chosen)
    proposer = Proposer(make_plan(space), study, print)
    for number in range(20):
        proposal = proposer.propose()
        assert proposal.handle.number == number
        study.tell(proposal.handle, proposal.handle.params["luck"])
    marks = [trial.user_attrs for trial in study.trials]
    assert [trial.params for trial in study.trials] == [each[HYPERPARAMETERS] for each in marks]
    assert all(trial.params["depth"] * trial.params["width"] <= 64 for trial in study.trials)
    # Of twenty, (3, 32) and (4, 32) would be some.
    assert count_rejected(study) == sum(each.get("refused", 0) for each in marks) > 0


def test_crash_among_refusals_leaves_a_stray_that_is_put_back(study, monkeypatch):
    answers = iter(["9 units", KeyboardInterrupt()])

    def violation(values):
        answer = next(answers)
        if isinstance(answer, str):
            return answer
        raise answer

    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: SimpleNamespace(violation=violation))
    with pytest.raises(KeyboardInterrupt):
        Proposer(make_plan(), study, print).propose()
    (stray,) = study.trials
    assert (stray.state.name, stray.params) == ("RUNNING", {})
    put_back(study, 0)
    assert study.trials[0].user_attrs["rejected"] == NEVER_BEGUN


def test_grid_passes_over_what_is_too_large_and_is_then_exhausted(monkeypatch):
    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: SmallOnly())
    space = SearchSpace("toy", SPACE.parameters[:2])
    study = optuna.create_study(sampler=GridSampler(Grid(space, {}, 4, 1), 1))
    proposer = Proposer(make_plan(space), study, print)
    taken = []
    while proposal := proposer.propose():
        taken.append(values(proposal))
        study.tell(proposal.handle, 0.5)
    assert len(taken) == len({(each["depth"], each["width"]) for each in taken}) == 10
    assert proposer.reason == "search space exhausted"
    assert [trial.number for trial in our_trials(study)] == list(range(10))


def test_nothing_small_enough_ends_with_a_reason_and_what_to_do(study, monkeypatch):
    nothing = SimpleNamespace(violation=lambda values: "9 units")
    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: nothing)
    monkeypatch.setattr(proposals, "MOST_TOO_LARGE", 30)
    proposer = Proposer(make_plan(), study, print)
    assert proposer.propose() is None
    assert "(the last: 9 units); raise search.max_compute" in proposer.reason


def test_small_space_is_trained_once_each_and_then_exhausted(study):
    space = SearchSpace("toy", (Parameter("width", Choice((8, 16, 32)), 8, "units"),))
    proposer = Proposer(make_plan(space), study, print)
    widths = [values(proposer.propose())["width"] for _ in range(3)]
    assert sorted(widths) == [8, 16, 32]
    assert proposer.propose() is None
    assert proposer.reason == "search space exhausted"


class Stubborn(optuna.samplers.RandomSampler):
    """Proposes the same again and again, as a model that has settled does."""

    def sample_independent(self, study, trial, param_name, param_distribution):
        return 8


def test_sampler_that_repeats_itself_does_not_end_the_study(study):
    study.sampler = Stubborn()
    space = SearchSpace("toy", (Parameter("width", Choice((8, 16, 32)), 8, "units"),))
    proposer = Proposer(make_plan(space), study, print)
    assert values(proposer.propose()) == {"width": 8}
    assert values(proposer.propose())["width"] in (16, 32)
    assert isinstance(study.sampler, Stubborn)


@pytest.mark.parametrize("seed", range(5))
def test_random_draws_that_are_too_large_are_followed_by_others(study, monkeypatch, seed):
    small = SimpleNamespace(violation=lambda values: "wide" if values["width"] > 16 else None)
    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: small)
    study.sampler = Stubborn()
    space = SearchSpace("toy", (Parameter("width", Choice((8, *range(16, 200))), 8, "units"),))
    plan = make_plan(space)
    plan.config.search.seed = seed
    proposer = Proposer(plan, study, print)
    assert values(proposer.propose()) == {"width": 8}
    assert values(proposer.propose()) == {"width": 16}  # one of 185: the first draw is another


def test_what_an_earlier_process_trained_is_not_trained_again(study):
    space = SearchSpace("toy", (Parameter("width", Choice((8, 16, 32)), 8, "units"),))
    first = values(Proposer(make_plan(space), study, print).propose())
    second = values(Proposer(make_plan(space), study, print).propose())
    assert first != second


def test_what_another_engine_says_late_is_not_trained_again(study):
    space = SearchSpace("toy", (Parameter("width", Choice((8, 16)), 8, "units"),))
    proposer = Proposer(make_plan(space), study, print)
    other = study.ask()  # has not said yet what it trains
    first = values(proposer.propose())["width"]
    late = {8: 16, 16: 8}[first]
    other.set_user_attr(HYPERPARAMETERS, {"width": late})
    assert proposer.propose() is None
    assert proposer.reason == "search space exhausted"


def test_queued_configuration_that_is_too_large_is_named_and_skipped(study, monkeypatch):
    monkeypatch.setattr(proposals, "SizeLimits", lambda plan: SmallOnly())
    warnings = []
    proposer = Proposer(make_plan(), study, warnings.append)
    study.enqueue_trial({"depth": 4, "width": 32, "seed": 5})
    study.enqueue_trial({"depth": 2, "width": 32, "seed": 6})
    assert values(proposer.propose()) == {"depth": 2, "width": 32, "seed": 6}
    (warning,) = warnings
    assert warning.startswith("a queued configuration is not trained: 128 units: {'depth': 4")


def limits(defaults=None, **search):
    plan = make_plan()
    plan.space = SimpleNamespace(family="cnn")
    plan.defaults = defaults
    vars(plan.config.search).update(search)
    return SizeLimits(plan)


@pytest.fixture
def defaults(registry, make_config):
    config = make_config()
    return plan_study(config, registry, data_request(config.data)).defaults


def test_costlier_networks_are_left_out(defaults):
    # The one block's filters count twice: in its convolution, and in the layer that reads them.
    defaults = defaults | {"conv_layers": 1, "filters": 16, "global_pooling": False}
    values = defaults | {"filters": 33}
    refusal = "2.06 times the default's arithmetic, more than 2 (search.max_compute)"
    assert limits(defaults).violation(values) is None
    assert limits(defaults, max_compute=2.0).violation(values) == refusal
    assert limits(defaults, max_compute=2.0).violation(defaults | {"filters": 31}) is None
    assert limits(defaults, max_compute=2.5).violation(values) is None


def test_size_limits_are_those_of_the_network(defaults):
    values = defaults
    parameters = count_configuration("cnn", values, (1, 8, 8), 2)
    size = estimate_step_memory("cnn", values, (1, 8, 8), 2)
    assert limits().violation(values) is None
    assert limits(max_parameters=parameters).violation(values) is None
    assert limits(max_parameters=parameters - 1).violation(values) == (
        f"{parameters:,} parameters, more than {parameters - 1:,} (search.max_parameters)"
    )
    assert limits(max_memory=size / 1e9).violation(values) is None
    assert "GB a training step, more than" in limits(max_memory=(size - 1) / 1e9).violation(values)
