"""One process at a time works on a run; who comes second is told who was first."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from hpo_torch.config.database_url import hide_password
from hpo_torch.errors import OutputError, RunInUseError
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.atomic_files import output_error, write_text
from hpo_torch.results.records import read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LOCK_FILE = ".engine.lock"
HOLDER_FILE = ".engine.json"
# By which a holder's `since`, in whole seconds, and the system's clocks may differ.
_CLOCK_SECONDS = 2.0
KEY_OPTION = "--api-key"


class Holder(Frozen):
    """Who works on a run; what is written here means nothing once its process has ended.

    Attributes:
        process: Its id on `host`.
        since: UTC, ISO 8601.
        command: As it was typed, without passwords.
    """

    process: int
    host: str
    since: str
    command: str

    @classmethod
    def this_process(cls) -> Holder:
        """Describe ourselves."""
        return cls(
            process=os.getpid(),
            host=socket.gethostname(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            command=shlex.join(_without_secrets(sys.argv)),
        )


def _without_secrets(arguments: Iterable[str]) -> Iterator[str]:
    """Yield a command's arguments without passwords in URLs and without the key of --api-key."""
    is_key = False
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        named = option == KEY_OPTION
        yield "..." if is_key else f"{option}=..." if named and equals else hide_password(argument)
        is_key = named and not equals and not is_key


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Keep every other process from working on the run in `folder`.

    The operating system holds the lock and frees it with its process, however that ends; a file
    that a dead process left locks nobody out.

    Raises:
        RunInUseError: Another process works on it; the message says which.
        OutputError: The folder cannot be written.
    """
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunInUseError(_in_use(folder)) from None
    except OSError as error:
        raise output_error("write", folder / LOCK_FILE, error) from error
    try:
        holder = Holder.this_process()
        write_text(folder / HOLDER_FILE, holder.model_dump_json(indent=2) + "\n")
        yield
    finally:
        # Of who was killed it stays, and says so: its process is gone.
        with suppress(OSError):
            (folder / HOLDER_FILE).unlink(missing_ok=True)
        lock.release()


@contextmanager
def whole_run_lock(run: Path) -> Iterator[None]:
    """Keep others from the run in a folder, and from trials of it that are trained again.

    Where nothing can be written, nobody works: a run on a read-only disk needs no lock.

    Raises:
        RunInUseError, OutputError: As for `run_lock`.
    """
    with ExitStack() as locks:
        if os.access(run, os.W_OK):
            locks.enter_context(run_lock(run))
            for lock in sorted(run.rglob(LOCK_FILE)):
                if lock.parent != run:
                    locks.enter_context(run_lock(lock.parent))
        yield


def working_process(folder: Path) -> Holder | None:
    """Return who works on the run in a folder, as far as can be told without taking the lock.

    A process that was killed left its name: on this machine it is found to be gone, also where its
    number is another process's by now; of another machine's nobody here can know.
    """
    try:
        holder = read_record(folder / HOLDER_FILE, Holder)
    except OutputError:
        return None
    here = holder.host == socket.gethostname()
    return None if here and not _lives(holder) else holder


def _lives(holder: Holder) -> bool:
    try:
        process = psutil.Process(holder.process)
        made = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
    except psutil.AccessDenied:  # another user's: it is there, and that is all we may know
        return True
    except psutil.Error:
        return False
    taken = datetime.fromisoformat(holder.since).timestamp()
    return bool(made <= taken + _CLOCK_SECONDS)


def _in_use(folder: Path) -> str:
    message = f"another process works on {folder}"
    try:
        holder = read_record(folder / HOLDER_FILE, Holder)
    except OutputError:  # it has the lock, but has not said yet who it is
        who = ""
    else:
        who = (
            f": process {holder.process} on {holder.host}, since {holder.since}, `{holder.command}`"
        )
    return f"{message}{who}. Wait for it, or end it; the run can be resumed afterwards."
