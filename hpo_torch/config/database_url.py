"""The URL of a database: what it may look like, and its form for files and messages."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from hpo_torch.errors import InvalidValueError

SETTING = "execution.storage"
# Characters that end a part must be percent-encoded inside of it; else part of a password could be
# taken for a host, and shown.
_PLACE = r"(?:\[[0-9a-fA-F:.]*\]|[^:/?#@\s]*)(?::\d+)?(?:/[^/?#@\s]*)?"
_URL = re.compile(
    rf"(?P<scheme>postgresql://)(?:(?P<user>[^:/?#@\s]*)(?::[^/?#@\s]*)?(?P<at>@))?"
    rf"(?P<place>{_PLACE})(?:\?(?P<query>[^#@\s]*))?"
)
_SECRET = frozenset({"password", "sslpassword"})


def check_database_url(url: str) -> None:
    """Accept postgresql://USER:PASSWORD@HOST:PORT/DATABASE; all but the scheme may be left out.

    Raises:
        InvalidValueError: It is none; the message shows what stands before :// only, for the rest
            may hold a password.
    """
    if _URL.fullmatch(url):
        return
    raise InvalidValueError(
        SETTING,
        "a PostgreSQL database, postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        f"{_scheme(url)}://...",
        "Special characters of user and password are percent-encoded (@ is %40, / is %2F, # is "
        "%23); the password may also come from PGPASSWORD or ~/.pgpass.",
    )


def without_password(url: str) -> str:
    """Return the URL as files and messages may hold it; what is no such URL shrinks to its scheme.

    >>> without_password("postgresql://ann:secret@db.example:5432/studies?sslmode=require")
    'postgresql://ann@db.example:5432/studies?sslmode=require'
    """
    match = _URL.fullmatch(url)
    if match is None:
        return f"{_scheme(url)}://..."
    query = parse_qsl(match["query"] or "")
    kept = urlencode([pair for pair in query if pair[0] not in _SECRET], safe="/")
    start = "".join(match[part] or "" for part in ("scheme", "user", "at", "place"))
    return f"{start}?{kept}" if kept else start


def hide_password(argument: str) -> str:
    """Return a command's argument with the password of a URL in it left out."""
    before, scheme, rest = argument.partition("postgresql://")
    return before + without_password(scheme + rest) if scheme else argument


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return scheme if separator else "?"
