from __future__ import annotations

from itertools import product

import optuna
import pytest
import torch

from hpo_torch.config.schema import SearchSettings
from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.models.build import build_network
from hpo_torch.search.cnn_shapes import misfit
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.families import activation_override

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]
CONSTRAINED = ("conv_layers", "kernel_size", "padding", "pool_size")


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def random_trials(space, count, fixed=None, seed=0):
    """Yield (trial, values) of one study with a random sampler; the study checks distributions."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    for _ in range(count):
        trial = study.ask()
        yield trial, space.sample(trial, fixed or {})
        study.tell(trial, 0.0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_sample_builds_a_network_that_runs(shape):
    space = cnn_space(shape, 60_000, 5, 20)

    # Widths are fixed only to keep this fast; they have no part in what fits.
    for _, values in random_trials(space, 300, {"filters": 2, "hidden_units": 8}):
        assert space.check_complete(values) == values
        network = build_network("cnn", values, shape, 10).eval()
        with torch.no_grad():
            assert network(torch.zeros(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sample_is_what_optuna_recorded_plus_what_was_implied(shape):
    space = cnn_space(shape, 60_000, 5, 20)
    distributions = {}

    for trial, values in random_trials(space, 300):
        implied = {name: value for name, value in values.items() if name not in trial.params}
        assert {**trial.params, **implied} == values
        for name, value in implied.items():
            # Implied means: the other option cannot exist beside the rest.
            assert name in CONSTRAINED
            chosen = {key: values[key] for key in CONSTRAINED[: CONSTRAINED.index(name)]}
            assert not can_exist(space, shape, {**chosen, name: other(space, name, value)})
        for name, distribution in trial.distributions.items():
            assert distributions.setdefault(name, distribution) == distribution

    assert set(distributions) == set(space.names)


def other(space, name, value):
    (option,) = set(space.parameter(name).domain.options()) - {value}
    return option


def can_exist(space, shape, known):
    """Whether some completion fits, by trying every one."""
    options = [
        (known[name],) if name in known else space.parameter(name).domain.options()
        for name in CONSTRAINED
    ]
    _, height, width = shape
    return any(
        misfit(height, width, **dict(zip(CONSTRAINED, values, strict=True))) is None
        for values in product(*options)
    )


@pytest.mark.parametrize("shape", [*SHAPES, (1, 2, 2), (1, 5, 40)], ids=str)
def test_every_fixed_combination_is_refused_or_can_be_sampled(shape):
    space = cnn_space(shape, 1000, 1, 2)
    domains = [(None, *space.parameter(name).domain.options()) for name in CONSTRAINED]

    for combination in product(*domains):
        pairs = zip(CONSTRAINED, combination, strict=True)
        fixed = {name: value for name, value in pairs if value is not None}
        if not can_exist(space, shape, fixed):
            with pytest.raises(InvalidValueError, match="too few"):
                space.check_fixed(fixed)
            continue
        checked = space.check_fixed(fixed)
        for _, values in random_trials(space, 3, checked):
            assert space.check_complete(values) == values
            assert fixed.items() <= values.items()
        assert space.check_complete(space.defaults(checked)) == space.defaults(checked)


@pytest.mark.parametrize(
    ("shape", "fixed", "deepest"),
    [
        ((1, 8, 8), {}, 3),  # 8 -> 4 -> 2 -> 1 with same padding, pooling 2
        ((1, 28, 28), {}, 4),
        ((1, 28, 28), {"padding": "valid", "kernel_size": 5}, 2),  # 28 -> 12 -> 4
        ((1, 28, 28), {"pool_size": 3}, 3),  # 28 -> 9 -> 3 -> 1
    ],
)
def test_conv_layers_go_as_deep_as_the_image_allows(shape, fixed, deepest):
    trial, _ = next(random_trials(cnn_space(shape, 1000, 1, 2), 1, fixed))

    assert trial.distributions["conv_layers"].high == deepest


def test_defaults_are_good_and_cheap():
    assert cnn_space((1, 8, 8), 1437, 5, 20).defaults({}) == {
        "grayscale": False,
        "standardize": False,
        "conv_layers": 2,
        "filters": 32,
        "filter_growth": 1,
        "kernel_size": 3,
        "activation": "relu",
        "initializer": "he_normal",
        "batch_norm": True,
        "padding": "same",
        "pool_size": 2,
        "global_pooling": False,
        "multi_scale": False,
        "hidden_layers": 1,
        "hidden_units": 128,
        "hidden_activation": "relu",
        "dropout": 0.3,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 1e-4,
        "label_smoothing": 0.0,
        "clip_gradients": False,
        "batch_size": 32,
        "epochs": 10,
        "schedule": "constant",
        "augment_flip": False,
        "augment_shift": 0,
        "augment_crop": 0.0,
        "augment_affine": 0.0,
        "augment_cutout": 0.0,
        "augment_colour": 0.0,
        "augment_channels": 0.0,
    }


def test_default_of_photographs_is_larger_and_sees_them_changed_for_longer():
    plain = cnn_space((1, 32, 32), 20_000, 5, 20).defaults({})
    colour = cnn_space((3, 32, 32), 20_000, 5, 20, flips=True).defaults({})
    signs = cnn_space((3, 32, 32), 20_000, 5, 20, flips=False).defaults({})
    assert {name: value for name, value in signs.items() if value != colour[name]} == {
        "augment_flip": False,
        "augment_channels": 0.5,
    }
    assert {name: value for name, value in colour.items() if value != plain[name]} == {
        "standardize": True,
        "conv_layers": 3,
        "filters": 64,
        "kernel_size": 5,
        "multi_scale": True,
        "hidden_units": 256,
        "dropout": 0.5,
        "learning_rate": 4e-3,
        "weight_decay": 1e-2,
        "label_smoothing": 0.1,
        "schedule": "one_cycle",
        "epochs": 20,
        "augment_flip": True,
        "augment_shift": 2,
        "augment_affine": 0.25,
    }


@pytest.mark.parametrize(
    ("epochs", "default"), [((1, 3), 3), ((5, 20), 10), ((15, 30), 15), ((4, 4), 4)]
)
def test_default_epochs_lie_within_the_searched_range(epochs, default):
    assert cnn_space((1, 8, 8), 1437, *epochs).defaults({})["epochs"] == default


def test_defaults_enqueued_as_first_trial_come_back_unchanged():
    space = cnn_space((1, 28, 28), 60_000, 5, 20)
    defaults = space.defaults({})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(defaults)

    trial = study.ask()

    assert space.sample(trial, {}) == defaults
    assert trial.params == defaults


def test_tpe_sampler_accepts_the_space_as_static():
    space = cnn_space((1, 8, 8), 1437, 1, 3)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5)
    )

    for _ in range(15):
        trial = study.ask()
        values = space.sample(trial, {})
        assert space.check_complete(values) == values
        study.tell(trial, values["learning_rate"])


@pytest.mark.parametrize(
    ("train_size", "choices"), [(9_999, (16, 32, 64, 128)), (10_000, (64, 128, 256, 512))]
)
def test_batch_sizes_follow_the_training_set(train_size, choices):
    batch_size = cnn_space((1, 28, 28), train_size, 1, 2).parameter("batch_size")

    assert batch_size.domain.choices == choices
    assert batch_size.default in choices


def test_conditions_refer_to_hyperparameters_chosen_before():
    parameters = cnn_space((1, 28, 28), 1000, 1, 2).parameters
    seen = set()

    for parameter in parameters:
        if parameter.when:
            assert parameter.when.name in seen
        seen.add(parameter.name)

    assert len(seen) == len(parameters)


def test_every_searched_value_and_default_may_also_be_fixed():
    for parameter in cnn_space((1, 28, 28), 1000, 1, 2).parameters:
        domain = parameter.domain
        ends = domain.choices if hasattr(domain, "choices") else (domain.low, domain.high)
        for value in (*ends, parameter.default):
            assert parameter.convert(value) == value, parameter.name


@pytest.mark.parametrize("shape", [(1, 1, 8), (8, 8), (1, 100)], ids=str)
def test_cnn_space_refuses_what_is_no_image(shape):
    with pytest.raises(InvalidValueError, match="input_shape"):
        cnn_space(shape, 1000, 1, 2)


ACTIVATIONS = ["relu", "tanh", "swish", "leaky_relu", "elu", "selu", "gelu"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_override_fixes_every_activation(name):
    space = cnn_space((1, 8, 8), 1000, 1, 2)
    fixed = space.check_fixed(activation_override("cnn", name))

    for _, values in random_trials(space, 5, fixed):
        assert values["activation"] == values["hidden_activation"] == name
    assert SearchSettings(activation=name).activation == name


def test_activation_override_refuses_an_unknown_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        activation_override("cnn", "rellu")
