"""Jobs' processes: the command line itself, apart from the server, and found again after it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from hpo_torch.plugin_api import output_error
from hpo_torch.plugin_runs import ENVIRONMENT_PREFIX, RESERVED_VARIABLES, hide_password
from hpo_torch_server.job_row import ProcessId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM: Final = (sys.executable, "-m", "hpo_torch.cli.app")
_KEPT: Final = RESERVED_VARIABLES - {"HPO_TORCH_API_KEY", "HPO_TORCH_SERVER_DATABASE"}
_STORAGE: Final = f"{ENVIRONMENT_PREFIX}EXECUTION_STORAGE"
_CLOCK_SECONDS: Final = 2.0
"""By which a process's time of creation may differ from itself: the system's clock was set."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that jobs are.

    Attributes:
        program: hpo-torch.
    """

    program: tuple[str, ...] = PROGRAM

    def begin(self, config: Path) -> list[str]:
        """Return the command that begins a run with the settings of a file."""
        # What happens is in the run's events.jsonl; a job's log is for warnings and errors.
        return [*self.program, "optimize", "--config", str(config), "--quiet"]

    def go_on(self, run: Path) -> list[str]:
        """Return the command that goes on with a run."""
        return [*self.program, "resume", str(run), "--quiet"]


CLI: Final = Commands()

_children: Final[dict[ProcessId, subprocess.Popen[bytes]]] = {}
"""Those that have not ended, as far as anybody has asked; who started one may be gone by then."""


class JobProcess:
    """A process that works on a job: a child of ours, or found.

    Attributes:
        id: Its number, and when it was made.
    """

    def __init__(self, process: ProcessId) -> None:
        self.id = process
        self._child = _children.get(process)

    @classmethod
    def start(
        cls, command: list[str], environment: Mapping[str, str], log: Path, heading: str
    ) -> JobProcess:
        """Start a process that outlives us, and every signal that a terminal sends us.

        Args:
            command: Program and arguments.
            environment: Its variables.
            log: Where it writes what it says, behind what is there.
            heading: A line that is written there first.

        Raises:
            OutputError: The log cannot be written, or the system gives us no process.
        """
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                file.write(heading.encode())
                file.flush()
                child = subprocess.Popen(  # noqa: S603 - our own program, without a shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise output_error("start a process that writes", log, error) from error
        # Until somebody has asked how it ended, its number is its own.
        process = ProcessId(pid=child.pid, created=psutil.Process(child.pid).create_time())
        _children[process] = child
        return cls(process)

    @classmethod
    def of(cls, pid: int) -> JobProcess | None:
        """Return the process of a number; None where there is none, or it has ended."""
        try:
            found = cls(ProcessId(pid=pid, created=psutil.Process(pid).create_time()))
        except psutil.Error:
            return None
        return found if found.is_alive() else None

    def is_alive(self) -> bool:
        """Say whether the process still runs; one that only waits to be buried does not."""
        if self._child is not None:
            if self._child.poll() is None:
                return True
            _children.pop(self.id, None)
            return False
        try:
            process = psutil.Process(self.id.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return bool(abs(process.create_time() - self.id.created) <= _CLOCK_SECONDS)
        except psutil.NoSuchProcess:
            return False

    @property
    def exit_code(self) -> int | None:
        """How a child ended: negative by a signal; None while it runs, and of others."""
        return None if self._child is None else self._child.poll()

    def interrupt(self) -> None:
        """Ask the process to end, as Ctrl-C does."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.id.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process and, of one that leads a group of its own, all that it has started."""
        if not self.is_alive():
            return
        with suppress(ProcessLookupError, psutil.NoSuchProcess):  # it was faster
            if hasattr(os, "killpg") and os.getpgid(self.id.pid) == self.id.pid:
                os.killpg(self.id.pid, signal.SIGKILL)
            else:
                psutil.Process(self.id.pid).kill()


def find_process(*commands: list[str]) -> JobProcess | None:
    """Return a process of this machine that is one of these commands; None without one.

    Their interpreter is not compared: some systems show another path than it was started by.
    """
    wanted = [command[1:] for command in commands]
    for process in psutil.process_iter(["cmdline", "status"]):
        arguments = process.info["cmdline"] or []
        if arguments[1:] in wanted and process.info["status"] != psutil.STATUS_ZOMBIE:
            return JobProcess.of(process.pid)
    return None


def command_words(command: list[str]) -> str:
    """Return a command as it would be typed."""
    return shlex.join(command)


def job_environment(environ: Mapping[str, str], storage: str | None) -> dict[str, str]:
    """Return a job's environment: its settings are those of its request, and no others.

    Args:
        environ: The server's.
        storage: The database of the job's study, without its password, which a server knows from
            its environment only; None without one.
    """
    kept = set(_KEPT)
    if storage is not None and hide_password(environ.get(_STORAGE, "")) == storage:
        kept.add(_STORAGE)
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(ENVIRONMENT_PREFIX) or name in kept
    }
