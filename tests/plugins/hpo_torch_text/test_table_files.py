from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from hpo_torch.plugin_api import CorruptDataError, DataError, MissingDependencyError
from hpo_torch_text.table_files import UnreadableLines, read_table

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, content: str | bytes, *, skip: bool = False) -> dict[str, list[Any]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, UnreadableLines(path, skip=skip))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'text,label\n"a, ""b""\nc",x\n\nd,y\n'),
        ("t.csv", '\ufefftext , label\r\n"a, ""b""\nc",x\r\nd,y'),
        ("T.TSV", 'text\tlabel\n"a, ""b""\nc"\tx\nd\ty\n'),
        ("t.jsonl", '{"text": "a, \\"b\\"\\nc", "label": "x"}\n\n{"label": "y", "text": "d"}\n'),
        ("t.ndjson", '{"text": "a, \\"b\\"\\nc", "label": "x"}\r\n{"label": "y", "text": "d"}'),
        ("t.json", '[{"text": "a, \\"b\\"\\nc", "label": "x"}, {"label": "y", "text": "d"}]'),
    ],
    ids=["csv", "csv of Excel", "tsv", "jsonl", "ndjson", "json"],
)
def test_read_table_reads_every_format(tmp_path: Path, name: str, content: str):
    table = read(tmp_path / name, content)
    assert table == {"text": ['a, "b"\nc', "d"], "label": ["x", "y"]}
    assert list(table) == ["text", "label"]


def test_read_table_keeps_json_types_and_fills_missing_keys(tmp_path: Path):
    table = read(tmp_path / "t.jsonl", '{"a": 1}\n{"b": null, "a": true}\n{"c": [2.5]}\n')
    assert table == {"a": [1, True, None], "b": [None, None, None], "c": [None, None, [2.5]]}


def test_read_table_reads_huge_fields(tmp_path: Path):
    long = "word " * 200_000  # a million characters; csv's own limit is 131,072
    assert read(tmp_path / "t.csv", f"text,label\n{long},x\n")["text"] == [long]


def test_read_table_reads_parquet(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"text": ["a", None], "label": [3, 4]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    path = tmp_path / "t.parquet"
    assert read_table(path, UnreadableLines(path, skip=False)) == columns
    with pytest.raises(CorruptDataError, match=r"t\.parquet: expected a Parquet file"):
        read(path, b"no parquet")


def test_read_table_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpo-torch\[parquet\]'"):
        read(tmp_path / "t.parquet", b"")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "text,label\na,x\nb\n", "line 3: expected 2 fields, got 1"),
        ("t.csv", "text,label\na,x\nb,y,z\n", "line 3: expected 2 fields, got 3"),
        ("t.jsonl", '{"a": 1}\n{"a": }\n', "line 2: expected a JSON object, got: Expecting value"),
        ("t.jsonl", '{"a": 1}\n"a"\n', r'line 2: expected a JSON object, got "a"'),
    ],
)
def test_read_table_names_a_bad_line_or_leaves_it_out(
    tmp_path: Path, name: str, content: str, message: str
):
    path = tmp_path / name
    with pytest.raises(CorruptDataError, match=rf"{name}, {message}.*--skip-corrupt"):
        read(path, content)
    unreadable = UnreadableLines(path, skip=True)
    table = read_table(path, unreadable)
    assert {len(column) for column in table.values()} == {1}
    assert unreadable.count == 1
    assert unreadable.first.startswith("line ")


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("t.xlsx", "", DataError, r"expected a table as \.csv, .*, got '\.xlsx'"),
        ("t.csv", "", DataError, "expected a first line with different column names"),
        ("t.csv", "a,b,a\n", DataError, "expected a first line with different column names"),
        ("t.csv", 'a,b\n"c,d\ne,f\n', CorruptDataError, "line 3: unexpected end of data"),
        ("t.csv", b"a,b\n\xe9,d\n", CorruptDataError, "expected text in UTF-8"),
        ("t.json", "[1]", CorruptDataError, "expected a list of JSON objects"),
        ("t.json", "[", CorruptDataError, "expected a list of JSON objects"),
    ],
)
def test_read_table_refuses_what_is_no_table(
    tmp_path: Path, name: str, content: str | bytes, error: type[Exception], message: str
):
    with pytest.raises(error, match=rf"{name}.*{message}"):
        read(tmp_path / name, content, skip=True)
