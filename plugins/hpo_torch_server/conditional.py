"""What a request says of copies it has, and of forms that it takes."""

from __future__ import annotations


def matches(if_none_match: str | None, tag: str) -> bool:
    """Say whether a client has a representation already (RFC 9110, 13.1.2: weak comparison).

    >>> matches('"a", W/"b"', '"b"')
    True

    Args:
        if_none_match: The header; None where there is none.
        tag: ETag of the representation, strong.
    """
    if if_none_match is None:
        return False
    given = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in given or given == ["*"]


def accepts_gzip(accept_encoding: str) -> bool:
    """Say whether a client takes gzip.

    >>> accepts_gzip("gzip, deflate, br"), accepts_gzip("gzip;q=0, br"), accepts_gzip("")
    (True, False, False)

    Args:
        accept_encoding: The header; "" where there is none.
    """
    for each in accept_encoding.lower().split(","):
        name, _, weight = each.replace(" ", "").partition(";q=")
        if name in {"gzip", "*"}:
            return not weight or weight.strip("0.") != ""
    return False
