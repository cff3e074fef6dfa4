from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    DataRequest,
    DatasetFacts,
    InvalidValueError,
)
from hpo_torch_text.own_table import OWN_TABLE, hold_out

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def request(path: Path | None, warnings: list[str] | None = None, **options) -> DataRequest:
    warn = None if warnings is None else warnings.append
    return DataRequest(data_dir=path or "nowhere", path=path, warn=warn, **options)


def table(path: Path, **counts: int) -> Path:
    rows = [(f"{name} {n}", name) for name, count in counts.items() for n in range(count)]
    write(path, rows, ("text", "label"))
    return path


def test_own_table_holds_a_fixed_fifth_of_each_class_out(tmp_path: Path):
    path = table(tmp_path / "t.csv", good=20, bad=10)
    OWN_TABLE.prepare(request(path))
    data = OWN_TABLE.load(request(path))
    assert data.class_names == ("bad", "good")
    assert np.bincount(data.train_labels).tolist() == [8, 16]
    assert np.bincount(data.test_labels).tolist() == [2, 4]
    for texts, labels in (
        (data.train_texts, data.train_labels),
        (data.test_texts, data.test_labels),
    ):
        assert [text.split()[0] for text in texts] == [data.class_names[k] for k in labels]
    every = [*data.train_texts, *data.test_texts]
    assert len(set(every)) == len(every) == 30
    assert OWN_TABLE.load(request(path)).fingerprint == data.fingerprint
    # Another value here means another test set: results before and after cannot be compared.
    assert data.test_texts == ["good 2", "good 10", "good 13", "good 15", "bad 2", "bad 8"]


@pytest.mark.parametrize(
    ("count", "held_out"), [(2, 0), (3, 1), (4, 1), (7, 1), (8, 2), (10, 2), (12, 2), (13, 3)]
)
def test_hold_out_takes_a_fifth_rounded(count: int, held_out: int):
    assert hold_out(["a"] * count).sum() == held_out


def test_own_table_describes_itself(tmp_path: Path):
    path = table(tmp_path / "t.csv", a=10, b=5, c=5)
    assert OWN_TABLE.describe(request(path)) == DatasetFacts(
        num_classes=3, input_shape=(), sizes=(16, 4)
    )


def test_own_table_follows_a_split_column(tmp_path: Path):
    rows = [
        ("1", "10", "train"),
        ("2", "9", "train"),
        ("3", "9", "test"),
        ("4", "9", "train"),
        ("5", "10", "train"),
    ]
    write(tmp_path / "t.csv", rows, ("body", "stars", "split"))
    data = OWN_TABLE.load(request(tmp_path / "t.csv", text_column="body", label_column="stars"))
    assert data.class_names == ("9", "10")
    assert data.train_texts == ["1", "2", "4", "5"]
    assert data.train_labels.tolist() == [1, 0, 0, 1]
    assert (data.test_texts, data.test_labels.tolist()) == (["3"], [0])


def test_own_table_reads_a_folder_of_two_tables(tmp_path: Path):
    table(tmp_path / "train.csv", a=2, b=3)
    (tmp_path / "test.jsonl").write_text(json.dumps({"label": "b", "text": "t"}), encoding="utf-8")
    (tmp_path / "train.md").touch()
    data = OWN_TABLE.load(request(tmp_path))
    assert data.train_texts == ["a 0", "a 1", "b 0", "b 1", "b 2"]
    assert (data.test_texts, data.test_labels.tolist()) == (["t"], [1])
    table(tmp_path / "train.tsv", a=1)
    with pytest.raises(DataNotFoundError, match=r"one train table, .*got train\.csv, train\.tsv"):
        OWN_TABLE.load(request(tmp_path))
    (tmp_path / "test.jsonl").unlink()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(DataNotFoundError, match=r"expected one test table, .*got none"):
        OWN_TABLE.load(request(tmp_path))


def test_own_table_warns_once_of_what_is_left_out_and_of_imbalance(tmp_path: Path):
    path = table(tmp_path / "t.csv", a=50, b=3)
    path.write_text(f"{path.read_text()},a\nno label,\nbroken,a,b\n", encoding="utf-8")
    with pytest.raises(CorruptDataError, match=r"line 57: expected 2 fields, got 3"):
        OWN_TABLE.prepare(request(path))
    warnings: list[str] = []
    ask = request(path, warnings, skip_corrupt=True)
    OWN_TABLE.prepare(ask)
    OWN_TABLE.describe(ask)
    OWN_TABLE.load(ask)
    assert warnings == [
        f"{path}: left out 1 unreadable lines, first line 57: expected 2 fields, got 3",
        f"{path}: left out 2 of 55 rows, which lack a text or a label",
        "classes are unbalanced: 'a' has 40 training examples, 'b' 2; accuracy says little about "
        "small classes",
    ]


def test_own_table_is_silent_where_nothing_is_wrong(tmp_path: Path):
    warnings: list[str] = []
    # of 25 and 3, 20 and 2 train: 10 times as many is not yet unbalanced
    OWN_TABLE.prepare(request(table(tmp_path / "t.csv", a=25, b=3), warnings))
    assert warnings == []


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"a": 10, "b": 1, "c": 1}, "at least 2 training examples of each class, got fewer of"),
        ({"a": 2, "b": 2}, "expected training and test examples, got 4 and 0"),
        ({"a": 10}, "expected at least 2 classes, got only 'a'"),
        ({}, "expected training and test examples, got 0 and 0"),
    ],
    ids=["rare classes", "too few rows", "one class", "no rows"],
)
def test_own_table_refuses_what_cannot_be_learnt(
    tmp_path: Path, counts: dict[str, int], message: str
):
    with pytest.raises(DataError, match=message):
        OWN_TABLE.prepare(request(table(tmp_path / "t.csv", **counts)))


def test_own_table_names_at_most_ten_rare_classes(tmp_path: Path):
    path = table(tmp_path / "t.csv", a=20, **{f"rare{n:02}": 1 for n in range(12)})
    with pytest.raises(DataError, match=r"'rare00', 'rare01', .*, 'rare09' and 2 more"):
        OWN_TABLE.prepare(request(path))


def test_own_table_refuses_classes_that_only_the_test_part_has(tmp_path: Path):
    table(tmp_path / "train.csv", a=2, b=2)
    table(tmp_path / "test.csv", a=1, z=1)
    with pytest.raises(DataError, match="'z' occur in the test part only"):
        OWN_TABLE.prepare(request(tmp_path))


def test_own_table_needs_a_path_that_exists(tmp_path: Path):
    with pytest.raises(InvalidValueError, match=r"data\.path: .* --data-path"):
        OWN_TABLE.prepare(request(None))
    with pytest.raises(DataNotFoundError, match=r"t\.csv does not exist"):
        OWN_TABLE.prepare(request(tmp_path / "t.csv"))


def test_own_table_lists_columns_for_a_wrong_name(tmp_path: Path):
    path = table(tmp_path / "t.csv", a=10, b=10)
    with pytest.raises(InvalidValueError, match=r"'text', 'label', got 'labl'.*mean 'label'"):
        OWN_TABLE.prepare(request(path, label_column="labl"))


def test_examples_are_all_usable_rows_with_their_parts(tmp_path: Path):
    path = tmp_path / "x.csv"
    write(
        path,
        [("a", "p", "test"), ("b", "p", "train"), ("", "q", "test")],
        ("text", "label", "split"),
    )
    found = OWN_TABLE.examples(request(path))
    assert (found.inputs, found.labels, found.parts) == (["a", "b"], ["p", "p"], ["test", "train"])
    write(path, [("a", "p")], ("text", "label"))  # one class, one example: enough to score
    assert OWN_TABLE.examples(request(path)).parts is None


def test_examples_of_a_folder_need_one_table_only(tmp_path: Path):
    write(tmp_path / "test.csv", [("a", "p")], ("text", "label"))
    found = OWN_TABLE.examples(request(tmp_path))
    assert (found.inputs, found.parts) == (["a"], ["test"])
    write(tmp_path / "test.csv", [("", "p")], ("text", "label"))
    with pytest.raises(DataError, match="expected rows with a text and a label, got none"):
        OWN_TABLE.examples(request(tmp_path))
