"""Cursors: where a page of a list goes on, as text that clients hand back unread."""

from __future__ import annotations

import base64
import json
from typing import Any

from hpo_torch.plugin_api import InvalidValueError


def write_cursor(*values: str | float | None) -> str:
    """Pack the values that a page goes on behind."""
    text = json.dumps(values, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type | tuple[type, ...]) -> list[Any]:
    """Unpack a cursor's values.

    Args:
        cursor: What `write_cursor` returned.
        kinds: The type of each value.

    Raises:
        InvalidValueError: It is none of ours.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        values = None
    if (
        isinstance(values, list)
        and len(values) == len(kinds)
        and all(isinstance(value, kind) for value, kind in zip(values, kinds, strict=True))
    ):
        return values
    raise InvalidValueError("cursor", "what `next` of the page before was", cursor[:100])
