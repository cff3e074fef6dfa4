"""Files from mirrors: verified by checksum, and either complete in their place or absent."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.data.transfer import checksum_failure, download
from hpo_torch.errors import CorruptDataError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hpo_torch.data.transfer import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file that mirrors serve, as it is or compressed with gzip.

    Attributes:
        name: Name of the file, unpacked.
        urls: Addresses of what is served, tried in this order.
        served: Checksum of what is served as published, "md5:..." or "sha256:...".
        sha256: SHA-256 of the unpacked file; None where mirrors serve the file as it is.
    """

    name: str
    urls: tuple[str, ...]
    served: str
    sha256: str | None = None


def find_file(file: RemoteFile, folders: Iterable[Path]) -> Path | None:
    """Return where `file` is, unpacked or else as .gz, in the first folder that has it."""
    names = (file.name,) if file.sha256 is None else (file.name, f"{file.name}.gz")
    for folder in folders:
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return None


def read_file(path: Path) -> bytes:
    """Return a file's bytes, unpacked if its name ends in .gz.

    Raises:
        CorruptDataError: It is not a complete gzip file.
    """
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptDataError(
            f"{path}: expected a complete gzip file, got: {error}. Delete it and run again."
        ) from error


def verify_file(path: Path, file: RemoteFile) -> None:
    """Check that `path`, unpacked if it is a .gz, holds exactly the bytes of `file`.

    Raises:
        CorruptDataError: It does not; the message names the file.
    """
    if file.sha256 is None:
        failure = checksum_failure(path, file.served)
    else:
        digest = hashlib.sha256(read_file(path)).hexdigest()
        same = digest == file.sha256
        failure = None if same else f"expected SHA-256 {file.sha256}, got {digest}"
    if failure is not None:
        raise CorruptDataError(
            f"{path}: {failure}: the file is damaged or is another file. Delete it and run again."
        )


def fetch_file(file: RemoteFile, folder: Path, progress: Progress | None = None) -> Path:
    """Download `file` into `folder` unless it is there, and return its path.

    Safe against other processes that do the same: one downloads, the others wait for it.

    Args:
        file: What to download.
        folder: Made if absent.
        progress: Called with (file name, bytes so far, bytes in all or 0 where unknown).

    Raises:
        DownloadError: Every mirror failed; the message says how, for each.
        DataError: The folder cannot be written to.
    """
    destination = folder / file.name
    with sole_writer(folder, file.name):
        if not destination.is_file():
            _fetch(file, destination, progress)
    return destination


@contextmanager
def sole_writer(folder: Path, name: str) -> Iterator[None]:
    """Make `folder` if it is absent, and let one process at a time write `name` in it.

    Raises:
        DataError: The folder cannot be written to.
    """
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            yield
    except OSError as error:  # those of the network are DownloadErrors by now
        raise DataError(
            f"cannot write to {folder}: {error.strerror}. Choose another folder with data.dir."
        ) from error


def _fetch(file: RemoteFile, destination: Path, progress: Progress | None) -> None:
    # Fixed names, used under the lock only: what a killed process leaves of the served file is the
    # beginning of the next one's. Same folder, so that the last step is one atomic rename.
    served_as = file.name if file.sha256 is None else f"{file.name}.gz"
    part = destination.with_name(f".{served_as}.part")
    download(served_as, file.urls, file.served, part, progress)
    if file.sha256 is None:
        part.replace(destination)
        return
    unpacked = destination.with_name(f".{file.name}.part")
    try:
        with gzip.open(part, "rb") as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target)
        verify_file(unpacked, file)
        unpacked.replace(destination)
    finally:
        part.unlink(missing_ok=True)
        unpacked.unlink(missing_ok=True)
