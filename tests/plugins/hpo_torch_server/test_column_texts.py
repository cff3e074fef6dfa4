from __future__ import annotations

import gzip
import json

import pytest
from told_run import ended_trial, measured

from hpo_torch_server.column_texts import LEFT_OUT, Columns, ColumnTexts, in_order
from hpo_torch_server.trial_table import FIGURES, TrialTable


@pytest.fixture
def table():
    made = TrialTable()
    for number in range(3):
        made.add(ended_trial(number, score=number / 3))
    return made


def test_the_document_has_every_column_of_the_table(table):
    document = json.loads(ColumnTexts(table).document(seq=17))
    assert (document["seq"], document["count"]) == (17, 3)
    assert document["columns"]["number"] == [0, 1, 2]
    assert document["columns"]["state"] == ["complete"] * 3
    assert document["columns"]["score"] == [0.0, 0.333333, 0.666667]
    assert document["columns"]["training_stability"] == [None] * 3
    assert document["columns"]["param_activation"] == ["relu"] * 3
    assert set(document["columns"]) == set(table.columns) - LEFT_OUT


def test_a_trial_more_is_added_to_what_is_there(table):
    texts = ColumnTexts(table)
    assert texts.document(1) == ColumnTexts(table).document(1)
    table.add(ended_trial(7, "failed", None, measurements=None, hyperparameters={"filters": 8}))
    after = texts.document(2)
    assert after == ColumnTexts(table).document(2)
    columns = json.loads(after)["columns"]
    assert columns["param_filters"] == [None, None, None, 8]
    assert columns["param_learning_rate"] == [0.001, 0.001, 0.001, None]


def test_a_trial_that_is_replaced_is_replaced_in_the_document(table):
    texts = ColumnTexts(table)
    texts.document(1)
    table.add(ended_trial(1, score=0.9))
    assert json.loads(texts.document(2))["columns"]["score"] == [0.0, 0.9, 0.666667]


def test_fractions_are_rounded_scores_less_than_others(table):
    table.add(ended_trial(3, score=0.123456789, hyperparameters={"rate": 0.00123456789}))
    columns = json.loads(ColumnTexts(table).document(1))["columns"]
    assert columns["score"][-1] == 0.123457
    assert columns["param_rate"][-1] == 0.001235


def test_what_is_compressed_is_the_document(table):
    document = ColumnTexts(table).document(1)
    columns = Columns.of(document)
    assert gzip.decompress(columns.compressed) == columns.plain == document
    assert Columns.of(document) == columns
    assert Columns.of(document + b" ").digest != columns.digest


def test_extreme_values_are_json(table):
    values = {"a": 1e300, "b": -2.5e-12, "c": True, "d": 'é"\n', "e": 123_456_789_012}
    table.add(ended_trial(3, hyperparameters=values, measurements=measured()))
    columns = json.loads(ColumnTexts(table).document(1))["columns"]
    assert {name: columns[f"param_{name}"][-1] for name in values} == values


def test_no_trials_are_a_document_too():
    document = json.loads(ColumnTexts(TrialTable()).document(0))
    assert document["count"] == 0
    assert document["columns"] == {name: [] for name in FIGURES if name not in LEFT_OUT}


def test_columns_are_in_an_order_that_does_not_depend_on_the_trials():
    given = ["param_b", "zeta", "score", "param_a", "number", "alpha"]
    assert in_order(given) == ["number", "score", "zeta", "alpha", "param_b", "param_a"]
