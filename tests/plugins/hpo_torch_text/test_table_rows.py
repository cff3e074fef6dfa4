from __future__ import annotations

import math

import pytest

from hpo_torch.plugin_api import DataError, InvalidValueError
from hpo_torch_text.table_rows import choose_column, class_order, usable_rows


@pytest.mark.parametrize(
    ("role", "wanted", "columns", "chosen"),
    [
        ("text", None, ["id", "text"], "text"),
        ("label", None, ["Label", "text"], "Label"),
        ("text", "review", ["text", "review"], "review"),
    ],
)
def test_choose_column_takes_the_choice_or_the_name(role, wanted, columns, chosen):
    assert choose_column(role, wanted, columns) == chosen


@pytest.mark.parametrize(
    ("wanted", "columns", "message"),
    [
        ("reveiw", ["id", "review"], r"'id', 'review', got 'reveiw'\. Did you mean 'review'\?"),
        ("zzz", ["id", "review"], r"'id', 'review', got 'zzz'\.$"),
        (None, ["id", "review"], r"'id', 'review', got None\. .*--text-column"),
        (None, ["Text", "TEXT"], r"'Text', 'TEXT', got None\. .*--text-column"),
        (None, [], r"\(none\), got None"),
    ],
)
def test_choose_column_lists_the_columns(wanted, columns, message):
    with pytest.raises(InvalidValueError, match=rf"data\.text_column: .*{message}"):
        choose_column("text", wanted, columns)


def test_usable_rows_leaves_out_what_is_missing():
    table = {
        "text": ["a", None, " \n", "b", "c", "d", 5, math.nan, " e "],
        "label": ["x", "x", "x", None, math.nan, " ", 1, "x", " x "],
    }
    rows = usable_rows(table, "text", "label", "t.csv")
    assert rows.examples == [("a", "x"), ("5", "1"), (" e ", "x")]
    assert rows.parts is None
    assert rows.missing == 6


def test_usable_rows_reads_the_split_column_of_used_rows_only():
    table = {
        "text": ["a", "b", ""],
        "label": ["x", "y", "z"],
        "split": ["train", " Test ", "validation"],
    }
    assert usable_rows(table, "text", "label", "t.csv").parts == ["train", "test"]


def test_usable_rows_refuses_other_splits():
    table = {"text": ["a", "b"], "label": ["x", "y"], "split": ["dev", None]}
    with pytest.raises(DataError, match="expected train and test, got also 'dev', 'none'"):
        usable_rows(table, "text", "label", "t.csv")
    assert usable_rows(table, "text", "split", "t.csv").examples == [("a", "dev")]


def test_usable_rows_refuses_lists_and_one_column_twice():
    table = {"text": ["a"], "label": [["x", "y"]]}
    with pytest.raises(DataError, match="column 'label': expected texts or numbers"):
        usable_rows(table, "text", "label", "t.csv")
    with pytest.raises(InvalidValueError, match="another column than 'text'"):
        usable_rows(table, "text", "text", "t.csv")


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["b", "a", "b"], ("a", "b")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["10", "9", "x"], ("10", "9", "x")),
    ],
)
def test_class_order_is_by_value_or_by_name(labels, order):
    assert class_order(labels) == order
