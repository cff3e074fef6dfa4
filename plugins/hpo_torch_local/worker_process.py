"""One worker process as its backend sees it: launch, talk, notice its death, end it."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import ModuleType
from typing import TYPE_CHECKING

from hpo_torch_local.messages import REPORTS, Shutdown
from hpo_torch_local.worker import run_worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from hpo_torch_local.messages import Command, Report
    from hpo_torch_local.worker import WorkerSetup

# fork would copy locks and CUDA contexts that the child cannot use.
_SPAWN = multiprocessing.get_context("spawn")
_TERMINATE_SECONDS = 1.0
_TAIL_BYTES = 4000


class WorkerProcess:
    """A spawned process that runs `run_worker`, and this side's end of its pipe.

    Attributes:
        killed: Whether `kill` was called.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self._setup = setup
        self.killed = False
        setup.log.write_bytes(b"")
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=run_worker, args=(theirs, setup), name=f"hpo-torch-{setup.name}"
        )
        try:
            with _interrupts_blocked(), _caller_left_out():
                self._process.start()
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()

    @property
    def handles(self) -> tuple[Connection, int]:
        """What `multiprocessing.connection.wait` watches: the pipe, and the process's end."""
        return self._connection, self._process.sentinel

    def send(self, command: Command) -> bool:
        """Send a command; False where the worker is already dead."""
        try:
            self._connection.send_bytes(command.model_dump_json().encode())
        except OSError:
            return False
        return True

    def receive(self) -> tuple[list[Report], bool]:
        """Return what the worker has said so far, and whether it is dead and has said all."""
        # Asked before reading: what a worker wrote before it died is still in the pipe.
        dead = self._process.exitcode is not None
        reports: list[Report] = []
        try:
            while self._connection.poll():
                reports.append(REPORTS.validate_json(self._connection.recv_bytes()))
        except (EOFError, OSError):
            dead = True
        return reports, dead

    def bury(self) -> str:
        """Free everything of a dead worker; return how it died."""
        pid = self._process.pid
        self._process.join(_TERMINATE_SECONDS)  # its pipe may close just before it is gone
        self._kill_if_alive()
        code = self._process.exitcode
        manner = "was killed, as the study asked" if self.killed else _manner(code)
        self._free()
        return f"worker {self._setup.name} (process {pid}) {manner}"

    def last_output(self) -> str:
        """Return the end of what the worker has printed; "" where it printed nothing."""
        return self._setup.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()

    def ask_to_end(self) -> None:
        """Ask the worker to exit after its job's next step."""
        self.send(Shutdown())
        self.receive()  # a full pipe would keep it from getting there

    def terminate(self) -> None:
        """Tell the worker to die (SIGTERM)."""
        self._process.terminate()

    def kill(self) -> None:
        """End the worker at once, whatever it does (SIGKILL)."""
        self.killed = True
        self._process.kill()
        self._process.join(_TERMINATE_SECONDS)

    def end(self, deadline: float) -> None:
        """Wait for the exit until `deadline` (of `time.monotonic`), then force it; free all."""
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.exitcode is None:
            self._process.terminate()
            self._process.join(_TERMINATE_SECONDS)
        self._kill_if_alive()
        self._free()

    def _kill_if_alive(self) -> None:
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()

    def _free(self) -> None:
        self._connection.close()
        self._process.close()


def _manner(exit_code: int | None) -> str:
    """Say how a process ended, from its exit code; negative ones are signals."""
    if exit_code is None or exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    hint = " (often: this machine ran out of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


@contextmanager
def _caller_left_out() -> Iterator[None]:
    """Keep a process that starts from running the caller's script again.

    multiprocessing imports the main module anew, for what was pickled of it. A worker is sent
    nothing of that kind; and a script that searches would search again, in every worker.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start a child with SIGINT blocked, so that Ctrl-C cannot end it before it ignores SIGINT."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start, within ours, would unblock SIGINT again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
