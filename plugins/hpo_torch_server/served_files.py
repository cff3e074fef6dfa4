"""The files of a run as the API serves them: which there are, and no way out of its folder."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from hpo_torch.plugin_runs import CONFIG_FILE, is_passing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT_DIGESTS: Final = 50_000
# Neither exists everywhere: a FIFO is not waited for, and a link that was a file just now refused.
_OPEN: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_RESULT: Final = "result.json"


class NoFileError(Exception):
    """There is no such file of the run.

    Attributes:
        outside: Whether the path asks for something outside of the run's folder.
    """

    def __init__(self, path: str, *, outside: bool) -> None:
        super().__init__(f"the run has no file '{path}'")
        self.outside = outside


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file.

    Attributes:
        path: Below the run's folder, with slashes.
        size: Bytes.
        modified: Nanoseconds since 1970.
        identity: Differs from that of every other content that the file has, had or will have.
    """

    path: str
    size: int
    modified: int
    identity: tuple[int, int, int, int]

    @classmethod
    def of(cls, path: str, found: os.stat_result) -> FileEntry:
        """Describe a file by what the file system says of it."""
        identity = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
        return cls(path, found.st_size, found.st_mtime_ns, identity)


def walk(run: Path, below: str = "") -> Iterator[FileEntry]:
    """Yield a run's files in the order of their paths, as an export has them.

    Links, locks and temporary files are left out; a folder that is gone has none.

    Args:
        run: The run's folder.
        below: A folder of it, with a slash behind it; "" for all.
    """
    try:
        with os.scandir(run / below) as found:
            entries = [(each.is_dir(follow_symlinks=False), each) for each in found]
    except OSError:
        return
    # With the slash of a folder: "a-b" comes before "a/b", as in the order of whole paths.
    entries.sort(key=lambda pair: pair[1].name + "/" * pair[0])
    for is_folder, entry in entries:
        if is_folder:
            yield from walk(run, f"{below}{entry.name}/")
        elif entry.is_file(follow_symlinks=False) and not is_passing(entry.name):
            try:
                yield FileEntry.of(below + entry.name, entry.stat(follow_symlinks=False))
            except OSError:  # gone, just now
                continue


@dataclass(slots=True)
class OpenFile:
    """A file that has been opened: what is read is what `entry` says, whatever becomes of its path.

    Attributes:
        stream: Closed by who opened it.
    """

    entry: FileEntry
    stream: IO[bytes]


def open_file(run: Path, path: str) -> OpenFile:
    """Open a file of a run.

    Raises:
        NoFileError: There is none, it is none of the run's (a lock, a link, a device), or the path
            leads out of the folder.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path or "\0" in path:
        raise NoFileError(path, outside=True)
    if is_passing(parts[-1]):
        raise NoFileError(path, outside=False)
    try:
        wanted = run.resolve(strict=True).joinpath(*parts)
        if wanted.resolve(strict=True) != wanted:  # a link, or a folder that is one
            raise NoFileError(path, outside=True)
        descriptor = os.open(wanted, _OPEN)
    # Not there, or too long; no name of this file system; before Python 3.13, links in a circle.
    except (OSError, ValueError, RuntimeError):
        raise NoFileError(path, outside=False) from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise NoFileError(path, outside=False)
    return OpenFile(FileEntry.of(path, found), os.fdopen(descriptor, "rb"))


def is_settled(run: Path, path: str, *, works: bool) -> bool:
    """Whether a file changes no more, as far as can be told.

    Args:
        run: The run's folder.
        path: Of the file, below it.
        works: Whether a process works on the run: then only the settings and the results of trials
            that have ended stay as they are.
    """
    if not works or path == CONFIG_FILE:
        return True
    folder, _, name = path.rpartition("/")
    top, _, trial = folder.partition("/")
    written_once = top == "trials" and trial.isdecimal() and not name.endswith(".ckpt")
    return written_once and (run / folder / _RESULT).exists()


class Digests:
    """SHA-256 of files, computed once for each content; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, int, int, int], str] = OrderedDict()

    def of_file(self, run: Path, entry: FileEntry) -> str | None:
        """Return a file's digest, hexadecimal; None where it is gone or another one by now."""
        known = self._find(entry)
        if known is not None:
            return known
        try:
            opened = open_file(run, entry.path)
        except NoFileError:
            return None
        with opened.stream:
            return self.of_open(opened) if opened.entry == entry else None

    def of_open(self, opened: OpenFile) -> str | None:
        """Return an open file's digest; None where it is being written. It is at its start then."""
        known = self._find(opened.entry)
        if known is not None:
            return known
        digest = hashlib.file_digest(opened.stream, "sha256").hexdigest()  # type: ignore[arg-type]
        opened.stream.seek(0)
        after = FileEntry.of(opened.entry.path, os.fstat(opened.stream.fileno()))
        if after != opened.entry:
            return None
        with self._lock:
            self._known[opened.entry.identity] = digest
            while len(self._known) > KEPT_DIGESTS:
                self._known.popitem(last=False)
        return digest

    def _find(self, entry: FileEntry) -> str | None:
        with self._lock:
            found = self._known.get(entry.identity)
            if found is not None:
                self._known.move_to_end(entry.identity)
            return found
