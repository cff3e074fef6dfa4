from __future__ import annotations

import pytest

from hpo_torch.models.hidden import build_head, dropout_rates
from hpo_torch.search.hidden_layers import hidden_widths


@pytest.mark.parametrize(
    ("layers", "units", "decrease", "widths"),
    [
        (1, 128, 0.5, (128,)),
        (4, 64, 0.25, (64, 16, 8, 8)),
        (3, 100, 0.75, (100, 75, 56)),
    ],
)
def test_hidden_widths_by_hand(layers, units, decrease, widths):
    hyperparameters = {
        "hidden_layers": layers,
        "hidden_units": units,
        "hidden_decrease": decrease,
    }

    assert hidden_widths(hyperparameters) == widths


@pytest.mark.parametrize(
    ("layers", "dropout", "decrease", "rates"),
    [
        (4, 0.5, 0.2, [0.5, 0.3, 0.1, 0.1]),
        (3, 0.7, 0.1, [0.7, 0.6, 0.5]),
        (3, 0.05, 0.1, [0.05, 0.05, 0.05]),  # never above the first layer's
        (2, 0.0, 0.3, [0.0, 0.0]),
    ],
)
def test_dropout_rates_by_hand(layers, dropout, decrease, rates):
    hyperparameters = {
        "hidden_layers": layers,
        "dropout": dropout,
        "dropout_decrease": decrease,
    }

    assert dropout_rates(hyperparameters) == pytest.approx(rates)


def test_one_layer_needs_no_decrease():
    only = {"hidden_layers": 1, "hidden_units": 64, "dropout": 0.3}

    assert hidden_widths(only) == (64,)
    assert dropout_rates(only) == (0.3,)


def test_build_head_names_layers_in_forward_order():
    hyperparameters = {
        "hidden_layers": 2,
        "hidden_units": 32,
        "hidden_decrease": 0.5,
        "hidden_activation": "relu",
        "dropout": 0.5,
        "dropout_decrease": 0.2,
        "initializer": "he_normal",
    }

    head = build_head(hyperparameters, 50, 10)

    assert list(head) == ["hidden1", "hidden2", "output"]
    assert head["hidden1"].linear.weight.shape == (32, 50)
    assert head["hidden2"].linear.weight.shape == (16, 32)
    assert head["hidden2"].dropout.p == pytest.approx(0.3)
    assert head["output"].weight.shape == (10, 16)
