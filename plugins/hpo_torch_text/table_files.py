"""The user's tables, whatever their format: CSV, TSV, JSON lines, Parquet; read as columns."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import CorruptDataError, DataError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Table = dict[str, list[Any]]
    Record = dict[str, Any]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".jsonl", ".ndjson", ".json")
SUFFIXES = (*_DELIMITERS, *_JSON, ".parquet")
_LARGEST_FIELD = 2**31 - 1  # csv refuses fields above 128 KiB otherwise; a C long on Windows


class UnreadableLines:
    """What becomes of lines that cannot be read: an error, or left out and counted.

    Args:
        path: The file they are in.
        skip: Leave them out.

    Attributes:
        count: How many were left out.
        first: What is wrong with the first of them.
    """

    def __init__(self, path: Path, *, skip: bool) -> None:
        self.path, self.skip = path, skip
        self.count, self.first = 0, ""

    def report(self, line: int, problem: str) -> None:
        """Count a line; raises CorruptDataError, naming it, where none may be left out."""
        if not self.skip:
            raise CorruptDataError(
                f"{self.path}, line {line}: {problem}. Correct it, or leave such lines out with "
                "--skip-corrupt (data.skip_corrupt)."
            )
        self.count += 1
        self.first = self.first or f"line {line}: {problem}"


def read_table(path: Path, unreadable: UnreadableLines) -> Table:
    """Return the columns of a file, by name, in their order; all of one length.

    The suffix tells the format: .csv and .tsv have a header line and quotes as Excel writes them;
    .jsonl, .ndjson and .json one object a line (.json also one list of objects), where a key that
    an object lacks is None; .parquet needs pyarrow. Text is UTF-8, with or without a byte order
    mark.

    Raises:
        DataError: The suffix is none of these, or the header names a column twice.
        CorruptDataError: The file, or a line that may not be left out, cannot be read.
        MissingDependencyError: pyarrow is needed and not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path}: expected a table as {', '.join(SUFFIXES)}, got '{path.suffix}'. Convert it."
        )
    if suffix == ".parquet":
        return _read_parquet(path)
    try:
        if suffix in _JSON:
            return _columns(list(_json_records(path, unreadable)))
        return _read_delimited(path, _DELIMITERS[suffix], unreadable)
    except UnicodeDecodeError as error:
        raise CorruptDataError(
            f"{path}: expected text in UTF-8, got: {error}. Save it in UTF-8."
        ) from error


def _read_delimited(path: Path, delimiter: str, unreadable: UnreadableLines) -> Table:
    csv.field_size_limit(_LARGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        # strict: a quote that never closes would swallow all rows after it
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if len(set(header)) != len(header) or not header:
                raise DataError(
                    f"{path}: expected a first line with different column names, got {header}"
                )
            rows = []
            for row in reader:
                if len(row) == len(header):
                    rows.append(row)
                elif row:  # an empty line is no row
                    problem = f"expected {len(header)} fields, got {len(row)}"
                    unreadable.report(reader.line_num, problem)
        except csv.Error as error:
            raise CorruptDataError(
                f"{path}, line {reader.line_num}: {error}. Correct its quotes: a field with "
                "quotes, line breaks or delimiters stands in quotes, with inner ones doubled."
            ) from error
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def _json_records(path: Path, unreadable: UnreadableLines) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig") as file:
        is_list = file.read(1) == "["
        file.seek(0)
        if is_list:
            yield from _json_list(path, file.read())
            return
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                unreadable.report(number, f"expected a JSON object, got: {error}")
                continue
            if isinstance(record, dict):
                yield record
            else:
                unreadable.report(number, f"expected a JSON object, got {line.strip()[:60]}")


def _json_list(path: Path, content: str) -> list[Record]:
    try:
        records = json.loads(content)
    except ValueError as error:
        raise CorruptDataError(f"{path}: expected a list of JSON objects, got: {error}") from error
    if not all(isinstance(record, dict) for record in records):
        raise CorruptDataError(f"{path}: expected a list of JSON objects, got other values in it")
    return list(records)


def _columns(records: list[Record]) -> Table:
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name) for record in records] for name in names}


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"dataset 'csv' needs pyarrow to read {path}: pip install 'hpo-torch[parquet]'"
        ) from error
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorruptDataError(f"{path}: expected a Parquet file, got: {error}") from error
    return {name: table[name].to_pylist() for name in table.column_names}
