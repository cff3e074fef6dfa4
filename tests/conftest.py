"""What every test gets: its own home, fixed seeds, no settings from outside, no network."""

from __future__ import annotations

import errno
import ipaddress
import os
import random
import signal
import socket
import sys
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

# Before anything imports torch or matplotlib; processes that tests start inherit it. One thread:
# results repeat bit for bit, and tests don't compete with the workers they start.
os.environ["OMP_NUM_THREADS"] = "1"
# A shell that starts the tests in the background has them, and their processes, ignore Ctrl-C.
with suppress(ValueError):  # not the main thread
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["MPLBACKEND"] = "agg"

TEST_DATA = "HPO_TORCH_TEST_DATA"


@pytest.fixture(scope="session", autouse=True)
def _shared_font_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Every test has a new home; matplotlib would list all fonts anew in each.
    os.environ["MPLCONFIGDIR"] = str(tmp_path_factory.mktemp("matplotlib"))


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in list(os.environ):
        if name.startswith("XDG_") or (name.startswith("HPO_TORCH_") and name != TEST_DATA):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    # Libraries that a test has not imported are not imported for it.
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that reaches for the network, even where its code would catch an OSError."""
    connect, connect_ex, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def check(address: object) -> None:
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket's is a path
        if isinstance(host, str) and not _is_loopback(host):
            pytest.fail(f"a test reached for the network: {host}")

    def guarded_connect(self: socket.socket, address: object) -> None:
        check(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: object) -> int:
        check(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: object, *args: object, **options: object) -> list[object]:
        check((host,))
        return getaddrinfo(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", ""}


@pytest.fixture(scope="session")
def test_data_dir() -> Path:
    """The folder of real data sets, each in the layout of its own downloader."""
    folder = os.environ.get(TEST_DATA)
    if not folder:
        pytest.skip(f"needs real data: set {TEST_DATA} to a folder of prepared data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL server."""
    from postgres_server import PostgresServer

    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def database_url(postgres: PostgresServer) -> str:
    """A new, empty database on the server."""
    return postgres.create_database(f"db_{uuid.uuid4().hex[:12]}")


@pytest.fixture
def nearly_full_disk(monkeypatch):
    """A context in which every write takes ten bytes, and the last one no more."""

    @contextmanager
    def context():
        real = os.write

        def write(descriptor: int, data: bytes) -> int:
            if len(data) > 10:
                return real(descriptor, data[:10])  # part of it fits
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            yield

    return context


@pytest.fixture
def database(database_url):
    """A connection of ours to the database of this test."""
    from hpo_torch.study.database import Database  # most tests need no SQL

    made = Database(database_url)
    yield made
    made.close()
