"""Files from mirrors: verified by checksum, and either complete in their place or absent."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.errors import CorruptDataError, DataError, DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Progress = Callable[[str, int, int], None]

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file that mirrors serve compressed with gzip.

    Attributes:
        name: Name of the unpacked file.
        sha256: SHA-256 of the unpacked file.
        urls: Addresses of the .gz file, tried in this order.
        served: Checksum of the .gz file as published, "md5:..." or "sha256:...".
    """

    name: str
    sha256: str
    urls: tuple[str, ...]
    served: str


def find_file(file: RemoteFile, folders: Iterable[Path]) -> Path | None:
    """Return where `file` is, unpacked or else as .gz, in the first folder that has it."""
    for folder in folders:
        for path in (folder / file.name, folder / f"{file.name}.gz"):
            if path.is_file():
                return path
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
    digest = hashlib.sha256(read_file(path)).hexdigest()
    if digest != file.sha256:
        raise CorruptDataError(
            f"{path}: expected SHA-256 {file.sha256}, got {digest}: the file is damaged or is "
            "another file. Delete it and run again."
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
    from filelock import FileLock

    destination = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{file.name}.lock"):
            if not destination.is_file():
                _fetch(file, destination, progress)
    except PermissionError as error:
        raise DataError(
            f"cannot write to {folder}: {error.strerror}. Choose another folder with data.dir."
        ) from error
    return destination


def _fetch(file: RemoteFile, destination: Path, progress: Progress | None) -> None:
    # Fixed names, used under the lock only: what a killed process leaves behind is overwritten by
    # the next one. Same folder, so that the last step is one atomic rename.
    packed = destination.with_name(f".{file.name}.gz.part")
    unpacked = destination.with_name(f".{file.name}.part")
    try:
        _try_mirrors(file, packed, progress)
        with gzip.open(packed, "rb") as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target)
        verify_file(unpacked, file)
        unpacked.replace(destination)
    finally:
        packed.unlink(missing_ok=True)
        unpacked.unlink(missing_ok=True)


def _try_mirrors(file: RemoteFile, packed: Path, progress: Progress | None) -> None:
    failures = []
    for url in file.urls:
        failure = _download(url, packed, file, progress)
        if failure is None:
            return
        failures.append(f"{url}: {failure}")
    raise DownloadError(
        f"cannot download {file.name}: every mirror failed ({'; '.join(failures)}). "
        f"Check the network and run again, or put the file into {packed.parent} yourself."
    )


def _download(url: str, packed: Path, file: RemoteFile, progress: Progress | None) -> str | None:
    """Return None when `packed` holds what `url` should serve, else what went wrong."""
    import pooch

    bar = _ProgressBar(f"{file.name}.gz", progress) if progress else False
    download = pooch.HTTPDownloader(
        bar,
        chunk_size=_CHUNK_BYTES,
        timeout=_TIMEOUT_SECONDS,
        headers={"Accept-Encoding": "identity"},  # the .gz file itself, not unpacked on the way
    )
    try:
        download(url, str(packed), None)
    except OSError as error:  # requests' exceptions are OSErrors too
        return str(error)
    algorithm, _, expected = file.served.partition(":")
    digest = pooch.file_hash(str(packed), alg=algorithm)
    return None if digest == expected else f"expected {file.served}, got {algorithm}:{digest}"


class _ProgressBar:
    """What pooch wants of a progress bar, passed on to a callback."""

    def __init__(self, name: str, report: Progress) -> None:
        self.total = 0
        self._name, self._report, self._done = name, report, 0

    def update(self, count: int) -> None:
        # pooch adds its chunk size also for the last, shorter chunk
        self._done = min(self._done + count, self.total) if self.total else self._done + count
        self._report(self._name, self._done, self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Nothing to close: the callback's owner ends the display."""
