"""From a table's columns to examples: which columns, which rows, which labels."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import DataError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    Example = tuple[str, str]  # text, label

SPLIT_COLUMN = "split"
_PARTS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that can be used.

    Attributes:
        examples: Text and label of each.
        parts: "train" or "test" for each, from the column "split"; None without that column.
        missing: How many rows were left out because text or label is missing.
    """

    examples: list[Example]
    parts: list[str] | None
    missing: int


def choose_column(role: str, wanted: str | None, columns: Collection[str]) -> str:
    """Return the column of texts or labels.

    Args:
        role: "text" or "label".
        wanted: The user's choice; None takes the one column whose name is `role`, whatever its
            capitals.
        columns: The table's columns.

    Raises:
        InvalidValueError: There is no such column, or it is not clear which; the message lists
            the columns.
    """
    if wanted is not None and wanted in columns:
        return wanted
    expected = f"one of the columns {', '.join(map(repr, columns)) or '(none)'}"
    if wanted is not None:
        close = difflib.get_close_matches(wanted, columns, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else ""
        raise InvalidValueError(f"data.{role}_column", expected, wanted, hint)
    alike = [name for name in columns if name.lower() == role]
    if len(alike) != 1:
        advice = f"Name the column with --{role}-column."
        raise InvalidValueError(f"data.{role}_column", expected, None, advice)
    return alike[0]


def usable_rows(table: dict[str, list[Any]], text: str, label: str, source: str) -> Rows:
    """Return the rows that have a text and a label.

    A text or label is missing when it is None, NaN, empty or white space. Labels are told apart by
    how they are written: 1 and "1" are one class. White space around them does not count.

    Args:
        table: Columns by name.
        text: Name of the column of texts.
        label: Name of the column of labels.
        source: Names the file in messages.

    Raises:
        InvalidValueError: Both are the same column.
        DataError: A value is a list or an object, or the column "split" has other values than
            train and test.
    """
    if text == label:
        raise InvalidValueError("data.label_column", f"another column than '{text}'", label)
    texts = [_written(value, text, source) for value in table[text]]
    labels = [_written(value, label, source).strip() for value in table[label]]
    chosen = [row for row in range(len(texts)) if texts[row].strip() and labels[row]]
    parts = None
    if SPLIT_COLUMN in table and SPLIT_COLUMN not in (text, label):
        parts = _parts([table[SPLIT_COLUMN][row] for row in chosen], source)
    examples = [(texts[row], labels[row]) for row in chosen]
    return Rows(examples, parts, len(texts) - len(chosen))


def class_order(labels: Collection[str]) -> tuple[str, ...]:
    """Return the different labels in order: by value where all are numbers, else by name.

    >>> class_order(["10", "9", "9"])
    ('9', '10')
    """
    different = sorted(set(labels))
    try:
        return tuple(sorted(different, key=float))
    except ValueError:
        return tuple(different)


def _written(value: Any, column: str, source: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | dict):
        raise DataError(
            f"{source}: column '{column}': expected texts or numbers, got {value!r:.60}. "
            "Choose another column with --text-column or --label-column."
        )
    return str(value)


def _parts(values: Sequence[Any], source: str) -> list[str]:
    parts = [str(value).strip().lower() for value in values]
    if others := sorted(set(parts) - set(_PARTS)):
        raise DataError(
            f"{source}: column '{SPLIT_COLUMN}': expected train and test, got also "
            f"{', '.join(map(repr, others[:10]))}. Leave such rows out or rename the column "
            "(validation examples are taken from the training part)."
        )
    return parts
