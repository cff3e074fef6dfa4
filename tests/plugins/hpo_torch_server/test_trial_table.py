from __future__ import annotations

import math

import pytest
from told_run import ended_trial, measured

from hpo_torch_server.trial_table import FIGURES, TrialTable, finite, nested


def trial(number, **changes):
    values = {"hyperparameters": {"learning_rate": 0.01}, "measurements": measured(0.75, 0.25)}
    return ended_trial(number, **(values | changes))


def test_every_column_has_a_value_for_every_row():
    table = TrialTable()
    table.add(trial(0))
    table.add(trial(2, hyperparameters={"dropout": 0.1}))
    table.add(trial(1, state="failed", score=None, measurements=None, hyperparameters={}))
    assert {len(values) for values in table.columns.values()} == {len(table)} == {3}
    assert table.columns["number"] == [0, 2, 1]
    assert table.columns["gradient_health"] == [0.25, 0.25, None]
    assert table.columns["param_learning_rate"] == [0.01, None, None]
    assert table.columns["param_dropout"] == [None, 0.1, None]
    assert table.columns["val_accuracy"] == [0.75, 0.75, None]


def test_a_trial_that_is_added_again_takes_its_own_place():
    table = TrialTable()
    for number in (4, 5):
        table.add(trial(number))
    version = table.version
    table.add(trial(4, score=0.9, hyperparameters={"filters": 8}))
    assert table.columns["number"] == [4, 5]
    assert table.columns["score"] == [0.9, 0.5]
    assert table.columns["param_filters"] == [8, None]
    assert table.columns["param_learning_rate"] == [None, 0.01]
    assert (table.version, table.replaced) == (version + 1, 1)
    assert 5 in table
    assert 6 not in table


def test_a_row_is_shown_with_health_and_hyperparameters_apart():
    table = TrialTable()
    table.add(trial(0, hyperparameters={"learning_rate": 0.01, "activation": "relu"}))
    table.add(trial(1, hyperparameters={"filters": 8}))
    shown = nested(table.row_of(0))
    assert set(shown) == {*FIGURES, "health", "hyperparameters"}
    assert shown["health"] == {"gradient_health": 0.25, "training_stability": None}
    assert shown["hyperparameters"] == {"learning_rate": 0.01, "activation": "relu"}
    assert table.row_of(9) is None
    assert table.shown(0) == shown
    assert table.shown(1) == nested(table.row(1))
    table.add(trial(2, hyperparameters={"dropout": 0.5}))  # a column more
    assert table.shown(2) == nested(table.row(2))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_json_does_not_know_is_none(value):
    assert finite(value) is None
    table = TrialTable()
    table.add(trial(0, measurements=measured().model_copy(update={"val_loss": value})))
    assert table.columns["val_loss"] == [None]


def test_a_long_message_is_cut():
    table = TrialTable()
    table.add(trial(0, state="failed", message="x" * 1000))
    assert table.columns["message"] == ["x" * 200]
