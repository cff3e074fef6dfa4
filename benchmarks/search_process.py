"""A search by the real command line, and its processes: part of throughput.py and start_up.py."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PROGRAM = (sys.executable, "-m", "hpo_torch.cli.app")
SETTINGS = "HPO_TORCH_"  # how environment variables that change a search's settings begin
SPAWNED = "--multiprocessing-fork"  # on the command line of what multiprocessing has spawned
TAIL = 2000  # characters of what a failed program has said

Role = Literal["program", "worker", "other"]


@dataclass(frozen=True)
class Seen:
    """A process as it was when last looked at.

    Attributes:
        role: "other" is what multiprocessing itself needs.
        cpu_seconds: User and system, so far.
        threads: Of the operating system, the most that were seen.
    """

    role: Role
    cpu_seconds: float
    threads: int


class Watch:
    """Looks at the processes of a running search.

    Attributes:
        seen: All that were alive at any look, by process id.
    """

    def __init__(self, pid: int) -> None:
        self._program = psutil.Process(pid)
        self.seen: dict[int, Seen] = {}

    def look(self) -> None:
        """Take in what is alive now."""
        with suppress(psutil.NoSuchProcess):
            for process in (self._program, *self._program.children()):
                self._take(process)

    def _take(self, process: psutil.Process) -> None:
        before = self.seen.get(process.pid)
        with suppress(psutil.NoSuchProcess):  # it has just ended: what was seen before stands
            times = process.cpu_times()
            threads = process.num_threads()
            self.seen[process.pid] = Seen(
                role=self._role(process),
                cpu_seconds=times.user + times.system,
                threads=max(threads, before.threads if before else 0),
            )

    def _role(self, process: psutil.Process) -> Role:
        if process.pid == self._program.pid:
            return "program"
        return "worker" if SPAWNED in process.cmdline() else "other"

    def of(self, role: Role) -> list[Seen]:
        """Return what was seen of a role, in order of first sight."""
        return [each for each in self.seen.values() if each.role == role]

    def cpu_seconds(self, role: Role) -> float:
        """Return what all of a role have used."""
        return sum(each.cpu_seconds for each in self.of(role))


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment, without settings of searches, with some more variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return kept | more


def search_command(folder: Path, name: str, *options: str) -> list[str]:
    """Return the command of a search on this machine's CPU that draws nothing and says nothing."""
    where = ("--backend", "local", "--device", "cpu", "--output-dir", str(folder), "--name", name)
    return [*PROGRAM, "optimize", *where, "--plots", "none", "--quiet", *options]


@contextmanager
def started(
    command: Sequence[str], log: Path, variables: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, and end it if it is not waited for.

    Args:
        command: The program and its arguments.
        log: Takes what it says on stderr.
        variables: Its environment.
    """
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env=variables
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end for at most some seconds; say whether it has come."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def check(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise RuntimeError, with the end of what it has said, if an ended program has failed."""
    if process.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        raise RuntimeError(f"exit code {process.returncode} of {process.args!r}\n{said}")
