"""Every hyperparameter of the LSTM family changes what is trained: change one alone, and look."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hpo_torch.models.build import build_network
from hpo_torch.models.lstm import POOLINGS
from hpo_torch.search.lstm_space import lstm_space
from hpo_torch.training.optimizers import build_optimizer

SPACE = lstm_space(1437, 5, 20)
BASE = {"hidden_layers": 2, "hidden_units": 64, "optimizer": "sgd", "clip_gradients": True}

# How the loop trains and on what, not what; tests of trials and of text sets look at these.
OF_THE_LOOP = {"batch_size", "clip_gradients", "epochs", "schedule", "sequence_length"} | {
    "label_smoothing",
    "gradient_clip_norm",
}


def in_group(key):
    return lambda _, optimizer: optimizer.param_groups[0][key]


def he_or_glorot(network, _):
    """hidden1 reads 128, writes 64: Glorot's uniform ends at sqrt(2) x sqrt(6 / 192) = 0.25.

    He's normal has deviation sqrt(2 / 128) = 1/8, and goes on.
    """
    furthest = network.head.hidden1.linear.weight.abs().max().item()
    return "glorot" if furthest <= 0.25 else "he" if furthest > 0.35 else "neither"


def lstm_sizes(network, _):
    return [(layer.forwards.input_size, layer.forwards.hidden_size) for layer in network.lstm]


# name: (its other value, what to look at, what it is by default, what it is then)
CASES = {
    "vocab_size": (5000, lambda n, _: n.embedding.num_embeddings, 10_000, 5_000),
    "embedding_dim": (128, lambda n, _: n.embedding.embedding_dim, 64, 128),
    "text_dropout": (0.5, lambda n, _: n.text_dropout.rate, 0.3, 0.5),
    "lstm_layers": (2, lstm_sizes, [(64, 64)], [(64, 64), (128, 64)]),
    "lstm_units": (32, lstm_sizes, [(64, 64)], [(64, 32)]),
    "bidirectional": (False, lambda n, _: n.head.hidden1.linear.in_features, 128, 64),
    "pooling": ("mean", lambda n, _: n.pool, POOLINGS["max"], POOLINGS["mean"]),
    "recurrent_dropout": (0.4, lambda n, _: n.recurrent_dropout.rate, 0.2, 0.4),
    "initializer": ("glorot_uniform", he_or_glorot, "he", "glorot"),
    "hidden_layers": (3, lambda n, _: len(n.head), 3, 4),
    "hidden_units": (256, lambda n, _: n.head.hidden1.linear.out_features, 64, 256),
    "hidden_decrease": (0.25, lambda n, _: n.head.hidden2.linear.out_features, 32, 16),
    "hidden_activation": (
        "sigmoid",
        lambda n, _: type(n.head.hidden2.activation),
        nn.ReLU,
        nn.Sigmoid,
    ),
    "dropout": (0.5, lambda n, _: n.head.hidden1.dropout.p, 0.3, 0.5),
    "dropout_decrease": (0.15, lambda n, _: round(n.head.hidden2.dropout.p, 9), 0.1, 0.15),
    "optimizer": ("adam", lambda _, o: type(o).__name__, "SGD", "Adam"),
    "momentum": (0.85, in_group("momentum"), 0.9, 0.85),
    "learning_rate": (0.02, in_group("lr"), 0.003, 0.02),
    "weight_decay": (0.003, in_group("weight_decay"), 0.0001, 0.003),
}


def build(values):
    torch.manual_seed(0)
    network = build_network("lstm", values, (30_000,), 10)
    return network, build_optimizer(values, network.named_parameters())


@pytest.mark.parametrize("name", CASES)
def test_hyperparameter_alone_changes_network_or_optimizer(name):
    value, look, before, after = CASES[name]
    default = SPACE.defaults(BASE)
    changed = SPACE.defaults({**BASE, name: value})

    # Nothing else differs (but momentum, which only SGD has).
    differing = {key for key in default if changed.get(key) != default[key]}
    assert differing - ({"momentum"} if name == "optimizer" else set()) == {name}
    assert look(*build(default)) == before
    assert look(*build(changed)) == after


def test_every_hyperparameter_of_the_space_is_covered():
    assert CASES.keys() | OF_THE_LOOP == set(SPACE.names)
    assert not CASES.keys() & OF_THE_LOOP
