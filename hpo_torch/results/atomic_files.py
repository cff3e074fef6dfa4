"""Files that are replaced whole: after a crash, the old content or the new, never half of it."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from hpo_torch.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def output_error(action: str, path: Path, error: OSError) -> OutputError:
    """Say which file could not be written or read, why, and what to do."""
    if error.errno in _NO_SPACE:
        advice = "Free some space, or choose another folder (output.dir)."
    else:
        advice = "Check the folder's permissions, or choose another one (output.dir)."
    # Only making its folder finds something in the way; "File exists" would be a riddle.
    taken = isinstance(error, FileExistsError)
    reason = f"{path.parent} is a file, not a folder" if taken else error.strerror or str(error)
    return OutputError(f"cannot {action} {path}: {reason}. {advice}")


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Yield a temporary file that becomes `path` if the block ends well, and vanishes if not.

    Missing folders are made. The temporary file lies in the same folder, because only within one
    file system is renaming atomic.

    Args:
        path: Of the file.
        durable: Wait until the disk has it. Without, a killed process loses nothing either, but a
            loss of power may leave a damaged file.

    Raises:
        OutputError: The disk is full, the folder may not be written ...; `path` is as it was.
    """
    # Process and thread in the name: two writers never share a temporary file.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        _discard(temporary)
        if isinstance(error, OSError):
            raise output_error("write", path, error) from error
        raise


def discard_leftovers(path: Path) -> None:
    """Remove the temporary files of processes that were killed while they replaced `path`.

    Nobody else may be writing it.
    """
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        _discard(temporary)


def _discard(temporary: Path) -> None:
    # A folder that cannot be reached holds no temporary file; the first error is the one to report.
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace `path`'s content by `text` in UTF-8, atomically; raises OutputError."""
    write_bytes(path, text.encode(), durable=durable)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace `path`'s content, atomically; raises OutputError."""
    with replacing(path, durable=durable) as file:
        file.write(content)


def append_whole(descriptor: int, content: bytes, size: int, *, durable: bool = False) -> None:
    """Append all of `content`, or nothing: what a full disk or Ctrl-C tore is cut off again.

    Args:
        descriptor: Of a file that was opened for appending (O_APPEND).
        content: Whole lines.
        size: The file's, in bytes; what is behind it, a torn line, is cut off.
        durable: Wait until the disk has it, and all that was written before.

    Raises:
        OSError: It could not be written; the file has `size` bytes.
    """
    os.ftruncate(descriptor, size)
    try:
        rest = memoryview(content)
        while rest:
            # A nearly full disk takes part of it; the rest then fails with the reason.
            rest = rest[os.write(descriptor, rest) :]
        if durable:
            os.fsync(descriptor)
    except BaseException:
        os.ftruncate(descriptor, size)
        raise


def copy_file(source: Path, target: Path) -> None:
    """Replace `target`'s content by that of `source`, atomically; raises OutputError."""
    try:
        original = source.open("rb")
    except OSError as error:
        raise output_error("read", source, error) from error
    with original, replacing(target) as file:
        shutil.copyfileobj(original, file)


def remove_file(path: Path) -> None:
    """Remove a file that may not be there.

    Raises:
        OutputError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error("remove", path, error) from error
