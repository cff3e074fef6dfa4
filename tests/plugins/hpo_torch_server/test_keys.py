from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from server_database import BEGIN, opened
from sqlalchemy import select

from hpo_torch_server.keys import KEYS, KeyStore


class Clock:
    def __init__(self):
        self.time = BEGIN

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(tmp_path):
    yield from opened(f"sqlite:///{tmp_path / 'server.sqlite3'}")


@pytest.fixture
def keys(database, clock):
    return KeyStore(database, clock)


def test_a_key_is_known_again_by_its_text(keys):
    key, text = keys.add("ann", ("read", "run"))
    assert keys.check(text) == key
    assert (key.owner, key.scopes, key.created) == ("ann", ("read", "run"), BEGIN)


def test_only_a_hash_of_the_secret_is_kept(keys, database):
    key, text = keys.add("ann", ("read",))
    secret = text.removeprefix(f"hpt_{key.id}_")
    assert len(secret) == 43  # 256 bits in base64
    with database.connect() as connection:
        row = connection.execute(select(KEYS)).one()
    assert row.hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(tuple(row))
    assert secret not in repr(key)


@pytest.mark.parametrize(
    "text",
    ["", "hpt_", "nonsense", "hpt_00000000_" + "a" * 43, "hpt_00000000_" + "a" * 42 + "\n"],
)
def test_what_is_no_key_is_unknown(keys, text):
    keys.add("ann", ("read",))
    assert keys.check(text) == "unknown key"


def test_the_right_id_with_another_secret_is_unknown(keys):
    _, text = keys.add("ann", ("read",))
    other = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert keys.check(other) == "unknown key"


def test_no_text_is_no_key(keys):
    assert keys.check(None) == "no key"


def test_a_key_is_good_until_it_expires(keys, clock):
    _, text = keys.add("ann", ("read",), BEGIN + timedelta(days=1))
    clock.time = BEGIN + timedelta(days=1) - timedelta(seconds=1)
    assert keys.check(text) not in ("expired key", "unknown key")
    clock.time += timedelta(seconds=1)
    assert keys.check(text) == "expired key"


def test_a_revoked_key_stays_revoked(keys, clock):
    key, text = keys.add("ann", ("read",))
    assert keys.revoke(key.id)
    assert keys.check(text) == "revoked key"
    assert not keys.revoke(key.id)
    assert not keys.revoke("ffffffff")
    assert [each.revoked for each in keys.all()] == [BEGIN]


def test_keys_once_demanded_go_on_being_demanded(keys):
    assert keys.empty()
    key, _ = keys.add("ann", ("admin",))
    assert not keys.empty()
    assert keys.usable()
    keys.revoke(key.id)
    assert not keys.empty()
    assert not keys.usable()


def test_an_expired_key_is_of_no_use(keys, clock):
    keys.add("ann", ("admin",), BEGIN + timedelta(days=1))
    clock.time = BEGIN + timedelta(days=2)
    assert not keys.usable()


def test_two_keys_are_never_alike(keys):
    texts = {keys.add("ann", ("read",))[1] for _ in range(20)}
    assert len(texts) == 20
    assert len({key.id for key in keys.all()}) == 20
