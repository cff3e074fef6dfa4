"""Optuna's journal in the run's folder: what belongs together is written in one piece."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from optuna.storages import JournalStorage
from optuna.storages.journal import (
    BaseJournalBackend,
    JournalFileOpenLock,
    JournalFileSymlinkLock,
)
from optuna.storages.journal._storage import JournalStorageReplayResult

from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import append_whole, output_error
from hpo_torch.results.whole_lines import end_of_lines
from hpo_torch.study.journal_replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from optuna.storages import BaseStorage

# Others hold the journal's lock for milliseconds; one that is held for longer has no owner.
STALE_LOCK_SECONDS = 2.0


class JournalFile(BaseJournalBackend):
    """A journal in the format of Optuna's JournalFileBackend, readable by optuna-dashboard.

    Beyond that it writes a group of operations (a trial that is asked for takes a dozen) with one
    system call, so that a crash leaves all of them or none, and waits for the disk once. It does
    not wait after single operations: these are values per epoch, which events.jsonl has, and
    the next group takes them along. A line
    that a crash or a full disk tore is cut off by the next write, as in events.jsonl: Optuna's own
    backend refuses such a file.

    Args:
        path: The file; made if absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Symbolic links, Optuna's default lock, need a privilege on Windows.
        lock = JournalFileOpenLock if sys.platform == "win32" else JournalFileSymlinkLock
        self._lock = lock(str(path))
        self._lines = self._bytes = 0  # read so far
        self._group: list[dict[str, Any]] | None = None
        try:
            path.touch()
        except OSError as error:
            raise output_error("write", path, error) from error

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the operations from that number on, those of the open group included.

        One after the other: those of a long study would take several times the file's size.
        """
        if log_number_from < self._lines:
            self._lines = self._bytes = 0
        known = log_number_from - self._lines  # of those that are read now: our own last group's
        for line in self._new_lines():
            if known:
                known -= 1
            else:
                yield self._parse(line)
        yield from (self._group or [])[known:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write operations, or add them to the open group.

        The disk is not waited for: what is written alone, an epoch's score for one, is in
        events.jsonl too.

        Raises:
            OutputError: They could not be written; the file is as it was.
        """
        if self._group is not None:
            self._group += logs
            return
        with self._locked():
            self._write(logs, durable=False)

    @contextmanager
    def grouped(self, *, durable: bool = True) -> Iterator[None]:
        """Write all operations of the block in one piece at its end, or none if it fails.

        Others wait meanwhile: what they wrote in between would get numbers that are taken.

        Args:
            durable: Wait until the disk has them, and all that was written before.

        Raises:
            OutputError: They could not be written; the file is as it was.
        """
        if self._group is not None:
            yield
            return
        with self._locked():
            self._group = []
            try:
                yield
                self._write(self._group, durable=durable)
            finally:
                self._group = None

    def free_stale_lock(self, patience: float = STALE_LOCK_SECONDS) -> None:
        """Remove the lock of a process that was killed; only for who holds the run's lock."""
        lock = self._path.with_name(self._path.name + ".lock")
        deadline = time.monotonic() + patience
        while os.path.lexists(lock):
            if time.monotonic() >= deadline:
                lock.unlink(missing_ok=True)
            time.sleep(0.02)

    def _new_lines(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(self._bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # being written, or torn
                self._lines += 1
                self._bytes += len(line)
                yield line

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            log: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise OutputError(
                f"{self._path}, line {self._lines}: {error}. The file was changed by hand, or its "
                "disk is damaged; restore it."
            ) from error
        return log

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._lock.acquire()
        except OSError as error:
            raise output_error("write", self._path, error) from error
        try:
            yield
        finally:
            with suppress(RuntimeError):  # held for so long that another took it for stale
                self._lock.release()

    def _write(self, logs: Iterable[dict[str, Any]], *, durable: bool) -> None:
        text = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        if not text:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
            try:
                with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
                    whole = end_of_lines(file, file.seek(0, os.SEEK_END))
                append_whole(descriptor, text, whole, durable=durable)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise output_error("write", self._path, error) from error


class RunJournal(JournalStorage):
    """Optuna's storage in a run's journal file.

    Attributes:
        file: The file.
    """

    def __init__(self, path: Path) -> None:
        self.file = JournalFile(path)
        super().__init__(self.file)

    def _sync_with_backend(self) -> None:
        # Optuna begins with its own replay; so do we, after an error.
        if not isinstance(self._replay_result, Replay):
            self._replay_result = Replay(self._worker_id_prefix)
        super()._sync_with_backend()

    @contextmanager
    def grouped(self, *, durable: bool) -> Iterator[None]:
        """Do all of the block's operations at its end, or none if it fails.

        Optuna's copy in memory has them as they come; after an error it is read anew.
        """
        try:
            with self.file.grouped(durable=durable):
                yield
        except BaseException:
            with self._thread_lock:
                self._replay_result = JournalStorageReplayResult(self._worker_id_prefix)
            raise


def grouped_writes(storage: BaseStorage, *, durable: bool = True) -> AbstractContextManager[None]:
    """Write what the block tells the storage in one piece or not at all, where the storage can.

    Args:
        storage: Of the study.
        durable: Wait until the disk has it.
    """
    if isinstance(storage, RunJournal):
        return storage.grouped(durable=durable)
    return nullcontext()
