from __future__ import annotations

import pytest

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.lstm_space import lstm_space

SPACE = lstm_space(20_000, 5, 20)


def test_every_hyperparameter_is_described():
    assert [p.name for p in SPACE.parameters if not p.description.endswith(".")] == []
    assert len(set(SPACE.names)) == len(SPACE.names)


def test_searched_choices_are_those_asked_for():
    choices = {p.name: p.domain.choices for p in SPACE.parameters if hasattr(p.domain, "choices")}
    assert choices["vocab_size"] == (5_000, 10_000, 20_000)
    assert choices["embedding_dim"] == (64, 128, 256, 512)
    assert choices["lstm_units"] == (32, 64, 128, 256)
    assert choices["hidden_units"] == (64, 128, 256, 512)
    assert choices["pooling"] == ("last", "max", "mean")
    assert SPACE.parameter("lstm_layers").domain.options() == (1, 2)
    assert SPACE.parameter("hidden_layers").domain.options() == (1, 2, 3)


def test_default_is_allowed_and_complete():
    assert SPACE.check_complete(SPACE.defaults({})) == SPACE.defaults({})


def test_optimisation_is_searched_as_of_cnns():
    cnn = cnn_space((1, 28, 28), 20_000, 5, 20)
    shared = ("optimizer", "momentum", "weight_decay", "clip_gradients", "gradient_clip_norm")
    for name in (*shared, "epochs", "dropout", "hidden_activation", "initializer"):
        assert SPACE.parameter(name) == cnn.parameter(name)
    for name in ("learning_rate", "batch_size"):
        assert SPACE.parameter(name).domain == cnn.parameter(name).domain


def test_third_hidden_layer_is_the_last_and_has_a_width():
    assert "hidden_decrease" in SPACE.defaults({"hidden_layers": 3})
    assert "hidden_decrease" not in SPACE.defaults({"hidden_layers": 1})
    with pytest.raises(InvalidValueError, match="hidden_layers"):
        SPACE.check_fixed({"hidden_layers": 4})


def test_small_sets_get_small_batches():
    assert lstm_space(9_999, 5, 20).defaults({})["batch_size"] == 32
    assert lstm_space(10_000, 5, 20).defaults({})["batch_size"] == 64


def test_hyperparameters_of_images_are_unknown():
    with pytest.raises(UnknownNameError, match="unknown hyperparameter 'filters'"):
        SPACE.check_fixed({"filters": 32})
