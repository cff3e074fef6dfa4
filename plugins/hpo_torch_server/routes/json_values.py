"""JSON values of requests: what the standard has, and no more."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, JsonValue


def _finite(value: JsonValue) -> JsonValue:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError(
            "expected a number, got NaN or Infinity, which JSON does not have"
        ) from None
    return value


def _no_text(value: Any) -> Any:
    # pydantic takes "3" and true for numbers, and JSON's own types do not.
    if isinstance(value, str | bool):
        raise ValueError(f"expected a number, got {type(value).__name__}")
    return value


NUMBER: Final = BeforeValidator(_no_text)
"""Of a field that is a number, behind its bounds: else the schema would lack them."""
Json = Annotated[JsonValue, AfterValidator(_finite)]
"""Any JSON value; Python reads NaN and Infinity as well, and no database takes them."""
