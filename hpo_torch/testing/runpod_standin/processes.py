"""Worker processes: started as the platform starts containers, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What a container would have of its own; everything else of this process stays here.
_INHERITED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
)


class ProcessGroups:
    """Starts processes, each the leader of its group, and ends the groups.

    When this process ends without `close`, even by SIGKILL, a small guarding process ends them.

    Args:
        folder: Where their output and their home folder are; removed in the end, however it comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workers"
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._guard = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to a file of that name."""
        own = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                list(command),
                env=own | {"HOME": str(self.home), "PYTHONUNBUFFERED": "1"} | dict(env),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[process.pid] = process
        self._tell_guard(f"+{process.pid}\n")
        return process

    def log(self, name: str) -> Path:
        """Return the file of a process's output."""
        return self.folder / f"{name}.log"

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if self._running.pop(process.pid, None):
            self._tell_guard(f"-{process.pid}\n")

    def close(self) -> None:
        """End all, and remove the folder."""
        for process in list(self._running.values()):
            self.kill(process)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def _tell_guard(self, line: str) -> None:
        if self._guard.stdin is None:
            return
        self._guard.stdin.write(line.encode())
        self._guard.stdin.flush()
