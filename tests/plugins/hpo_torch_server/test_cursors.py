from __future__ import annotations

import base64
import json

import pytest

from hpo_torch.plugin_api import InvalidValueError
from hpo_torch_server.cursors import read_cursor, write_cursor


def test_values_come_back_as_they_were():
    cursor = write_cursor("score", 0.1 + 0.2, None, 7, "ünï/+")
    assert cursor.isascii()
    assert read_cursor(cursor, str, float, type(None), int, str) == [
        "score", 0.30000000000000004, None, 7, "ünï/+",
    ]  # fmt: skip


def packed(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!!", "é", packed({"a": 1}), packed(["a"]), packed(["a", 1, 2]), packed([1, "a"])],
)
def test_what_is_no_cursor_of_ours_is_refused(cursor):
    with pytest.raises(InvalidValueError, match="cursor: expected what `next` of the page"):
        read_cursor(cursor, str, int)


def test_a_cursor_of_a_thousand_brackets_is_refused():
    cursor = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
    with pytest.raises(InvalidValueError):
        read_cursor(cursor, str)
