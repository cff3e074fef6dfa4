"""The user's own texts: a table in one file, or a folder with a train and a test table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import (
    DataError,
    DataNotFoundError,
    DatasetFacts,
    InvalidValueError,
    OwnExamples,
)
from hpo_torch_text.table_files import SUFFIXES, UnreadableLines, read_table
from hpo_torch_text.table_rows import Rows, choose_column, class_order, usable_rows
from hpo_torch_text.text_set import Part, TextSet, text_data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest, TextData

    Example = tuple[str, str]  # text, label
    Warn = Callable[[str], None]

_TEST_SHARE = 0.2
_TEST_SEED = 0  # fixed for good: another seed is another test set
_FEWEST = 2  # examples of a class: one trains, one validates
_UNBALANCED = 10  # times as many examples of the largest class as of the smallest
_NAMED = 10


class OwnTable:
    """Loads `--data-path FILE` (see `read_table` for formats), or a folder of train.* and test.*.

    One file is divided by its column "split" (train, test), if it has one; else a fixed, stratified
    fifth of its rows is the test set. Rows without a text or a label are left out.
    """

    def prepare(self, request: DataRequest) -> None:
        """Read everything once, so that all problems and warnings appear before the search.

        Warns of rows and lines left out, and of classes of very different sizes.

        Raises:
            InvalidValueError: No path is given, or a column does not exist.
            DataNotFoundError: The path, or a table in the folder, is not there.
            DataError: A class has fewer than two training examples, or the table is unusable.
            CorruptDataError: A file or line cannot be read.
            MissingDependencyError: A Parquet file is given and pyarrow is not installed.
        """
        texts = _read(request, request.warn)
        if request.warn is not None:
            _warn_of_imbalance(texts, request.warn)

    def describe(self, request: DataRequest) -> DatasetFacts:
        """Return the number of classes and the sizes of the two parts."""
        texts = _read(request, None)
        return DatasetFacts(
            num_classes=len(texts.class_names),
            input_shape=(),
            sizes=(len(texts.train.texts), len(texts.test.texts)),
        )

    def load(self, request: DataRequest) -> TextData:
        """Read the user's tables."""
        return text_data(_read(request, None))

    def examples(self, request: DataRequest) -> OwnExamples:
        """Return every row that has a text and a label, and its part if the table tells parts.

        Raises:
            As `prepare`; DataError where there are no such rows.
        """
        path = _own_path(request)
        found = _all_rows(path, request)
        if not found:
            raise DataError(f"{path}: expected rows with a text and a label, got none")
        parts = [part for _, _, part in found if part is not None]
        return OwnExamples(
            inputs=[text for text, _, _ in found],
            labels=[label for _, label, _ in found],
            parts=parts or None,
        )


OWN_TABLE = OwnTable()


def _read(request: DataRequest, warn: Warn | None) -> TextSet:
    path = _own_path(request)
    if path.is_dir():
        train, test = (
            _rows(_only_table(path, part), request, warn).examples for part in ("train", "test")
        )
    else:
        train, test = _divide(_rows(path, request, warn))
    _check(train, test, path)
    names = class_order([label for _, label in train])
    codes = {name: code for code, name in enumerate(names)}
    return TextSet(_part(train, codes), _part(test, codes), names)


def hold_out(labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return which examples serve as the test set: a fifth of each class, rounded.

    A class of two has none: both its examples are needed to train and to validate.
    """
    values = np.array(labels, dtype=object)
    chosen = np.zeros(len(values), dtype=bool)
    # RandomState's numbers never change; a Generator's may with numpy's version
    generator = np.random.RandomState(_TEST_SEED)
    for name in sorted(set(labels)):
        members = generator.permutation(np.flatnonzero(values == name))
        chosen[members[: int(_TEST_SHARE * len(members) + 0.5)]] = True
    return chosen


def _own_path(request: DataRequest) -> Path:
    path = request.path
    if path is None:
        raise InvalidValueError(
            "data.path", "a table's file or folder", None, "Name it with --data-path."
        )
    if not path.exists():
        raise DataNotFoundError(f"data.path: {path} does not exist")
    return path


def _only_table(folder: Path, part: str) -> Path:
    tables = [path for path in folder.glob(f"{part}.*") if path.suffix.lower() in SUFFIXES]
    if len(tables) != 1:
        names = ", ".join(sorted(path.name for path in tables)) or "none"
        raise DataNotFoundError(
            f"{folder}: expected one {part} table, {part}.csv (or {', '.join(SUFFIXES[1:])}), "
            f"got {names}"
        )
    return tables[0]


def _rows(path: Path, request: DataRequest, warn: Warn | None) -> Rows:
    unreadable = UnreadableLines(path, skip=request.skip_corrupt)
    table = read_table(path, unreadable)
    rows = usable_rows(
        table,
        choose_column("text", request.text_column, table),
        choose_column("label", request.label_column, table),
        str(path),
    )
    if warn is not None and unreadable.count:
        warn(f"{path}: left out {unreadable.count} unreadable lines, first {unreadable.first}")
    if warn is not None and rows.missing:
        total = rows.missing + len(rows.examples)
        warn(f"{path}: left out {rows.missing} of {total} rows, which lack a text or a label")
    return rows


def _all_rows(path: Path, request: DataRequest) -> list[tuple[str, str, str | None]]:
    """Return text, label and part of every usable row; a folder may lack one of its tables."""
    if path.is_dir():
        parts = [part for part in ("train", "test") if any(path.glob(f"{part}.*"))] or ["test"]
        tables = [(_rows(_only_table(path, part), request, request.warn), part) for part in parts]
        return [(*each, part) for rows, part in tables for each in rows.examples]
    rows = _rows(path, request, request.warn)
    told: Sequence[str | None] = rows.parts or [None] * len(rows.examples)
    return [(*each, part) for each, part in zip(rows.examples, told, strict=True)]


def _divide(rows: Rows) -> tuple[list[Example], list[Example]]:
    if rows.parts is None:
        tests = hold_out([label for _, label in rows.examples]).tolist()
    else:
        tests = [part == "test" for part in rows.parts]
    train, test = (
        [each for each, is_test in zip(rows.examples, tests, strict=True) if is_test == wanted]
        for wanted in (False, True)
    )
    return train, test


def _check(train: Sequence[Example], test: Sequence[Example], path: Path) -> None:
    """Raise DataError unless both parts have examples, and every class enough to be learnt."""
    if not train or not test:
        raise DataError(
            f"{path}: expected training and test examples, got {len(train)} and {len(test)}. "
            "Add rows, or a column 'split' with train and test."
        )
    counts = Counter(label for _, label in train)
    if few := sorted(name for name, count in counts.items() if count < _FEWEST):
        raise DataError(
            f"{path}: expected at least {_FEWEST} training examples of each class, got fewer of "
            f"{_listing(few)}. Remove these classes or add examples; or is this the wrong column?"
        )
    if unknown := sorted({label for _, label in test} - set(counts)):
        raise DataError(
            f"{path}: {_listing(unknown)} occur in the test part only. Remove these classes or add "
            "training examples."
        )
    if len(counts) < _FEWEST:
        raise DataError(f"{path}: expected at least 2 classes, got only {_listing(list(counts))}")


def _part(examples: Sequence[Example], codes: dict[str, int]) -> Part:
    labels = np.array([codes[label] for _, label in examples], dtype=np.int64)
    return Part([text for text, _ in examples], labels)


def _warn_of_imbalance(texts: TextSet, warn: Warn) -> None:
    counts = np.bincount(texts.train.labels)
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    if counts[largest] > _UNBALANCED * counts[smallest]:
        warn(
            f"classes are unbalanced: '{texts.class_names[largest]}' has {counts[largest]} "
            f"training examples, '{texts.class_names[smallest]}' {counts[smallest]}; accuracy "
            "says little about small classes"
        )


def _listing(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
