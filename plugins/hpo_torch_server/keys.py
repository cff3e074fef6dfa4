"""API keys: 256 random bits each, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Column, Engine, Row, String, Table, select, update

from hpo_torch_server.database import reading, writing
from hpo_torch_server.tables import METADATA, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

Scope = Literal["read", "run", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "run", "admin")
"""What keys may do; each includes those before it."""
Refusal = Literal["no key", "unknown key", "expired key", "revoked key"]

_TEXT: Final = re.compile(r"hpt_(?P<id>[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")

KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", String(8), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("scopes", String(40), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime),
    Column("revoked", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is kept: without its secret.

    Attributes:
        id: In the key's text, hpt_ID_SECRET; no secret itself.
        owner: Whose jobs it sees.
        scopes: What it may do: read, run, admin.
        created: UTC.
        expires: UTC; None is never.
        revoked: UTC; None is not.
    """

    id: str
    owner: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None
    revoked: datetime | None


class KeyStore:
    """The keys of one server.

    A plain hash is enough: 256 random bits cannot be guessed, as a password can.

    Args:
        database: With the tables of `hpo_torch_server.tables`.
        clock: Returns the time, UTC.

    Every method raises StorageError where the database cannot be used.
    """

    def __init__(self, database: Engine, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def add(
        self, owner: str, scopes: Collection[str], expires: datetime | None = None
    ) -> tuple[Key, str]:
        """Make a key, and return it with its text, which is told this once."""
        secret = secrets.token_urlsafe(32)
        key = Key(secrets.token_hex(4), owner, tuple(scopes), self._clock(), expires, None)
        row = {
            "id": key.id,
            "hash": _hash(secret),
            "owner": owner,
            "scopes": " ".join(scopes),
            "created": key.created,
            "expires": expires,
        }
        with writing(self._database) as connection:
            connection.execute(KEYS.insert().values(row))
        return key, f"hpt_{key.id}_{secret}"

    def check(self, text: str | None) -> Key | Refusal:
        """Return the key of a text, or why there is none."""
        if text is None:
            return "no key"
        match = _TEXT.fullmatch(text)
        if match is None:
            return "unknown key"
        with reading(self._database) as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == match["id"])).first()
        if row is None or not hmac.compare_digest(row.hash, _hash(match["secret"])):
            return "unknown key"
        key = _key(row)
        if key.revoked is not None:
            return "revoked key"
        if key.expires is not None and key.expires <= self._clock():
            return "expired key"
        return key

    def empty(self) -> bool:
        """Say whether there never was a key.

        Revoked and expired ones count: who once demanded keys goes on demanding them.
        """
        with reading(self._database) as connection:
            return connection.execute(select(KEYS.c.id).limit(1)).first() is None

    def usable(self) -> bool:
        """Say whether there is a key that is neither revoked nor expired."""
        now = self._clock()
        return any(k.revoked is None and (k.expires is None or k.expires > now) for k in self.all())

    def all(self) -> list[Key]:
        """List every key, oldest first."""
        with reading(self._database) as connection:
            rows = connection.execute(select(KEYS).order_by(KEYS.c.created, KEYS.c.id)).all()
        return [_key(row) for row in rows]

    def revoke(self, key_id: str) -> bool:
        """Make a key useless from now on; False where it is unknown or already was."""
        change = (
            update(KEYS)
            .where(KEYS.c.id == key_id, KEYS.c.revoked.is_(None))
            .values(revoked=self._clock())
        )
        with writing(self._database) as connection:
            return connection.execute(change).rowcount == 1


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> Key:
    return Key(row.id, row.owner, tuple(row.scopes.split()), row.created, row.expires, row.revoked)
