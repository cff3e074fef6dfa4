"""Archives from mirrors: verified by checksum, unpacked, and what they hold complete or absent."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hpo_torch.data.downloads import sole_writer
from hpo_torch.data.transfer import checksum_failure, download
from hpo_torch.errors import CorruptDataError

if TYPE_CHECKING:
    from hpo_torch.data.transfer import Progress

_DAMAGED = zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteArchive:
    """A .zip or (compressed) .tar file that mirrors serve.

    Attributes:
        name: Name of the archive; ".zip" at its end tells it from a tar file.
        holds: The one file or folder inside that is wanted, "GTSRB/Training". Where it is, the
            archive has been fetched: it comes into being in one step, when it is complete.
        urls: Addresses, tried in this order.
        served: Checksum of the archive as published, "md5:..." or "sha256:...".
    """

    name: str
    holds: str
    urls: tuple[str, ...]
    served: str


def fetch_archive(archive: RemoteArchive, folder: Path, progress: Progress | None = None) -> Path:
    """Put what `archive` holds into `folder` unless it is there, and return its path.

    An archive that lies in `folder` already is unpacked and left there; otherwise it is
    downloaded, and deleted afterwards. Safe against other processes that do the same: one works,
    the others wait for it.

    Args:
        archive: What to download.
        folder: Made if absent.
        progress: Called with (archive's name, bytes so far, bytes in all or 0 where unknown).

    Raises:
        DownloadError: Every mirror failed; the message says how, for each.
        CorruptDataError: The archive is damaged, or holds something else.
        DataError: The folder cannot be written to.
    """
    wanted = folder / archive.holds
    with sole_writer(folder, archive.name):
        if not wanted.exists():
            _fetch(archive, folder, progress)
    return wanted


def _fetch(archive: RemoteArchive, folder: Path, progress: Progress | None) -> None:
    own = folder / archive.name
    if own.is_file():
        failure = checksum_failure(own, archive.served)
        if failure is not None:
            raise CorruptDataError(f"{own}: {failure}. Delete it and run again.")
        _place(archive, own, folder)
        return
    # Fixed names, used under the lock only: what a killed process leaves of the archive is the
    # beginning of the next one's.
    part = folder / f".{archive.name}.part"
    download(archive.name, archive.urls, archive.served, part, progress)
    try:
        _place(archive, part, folder)
    finally:
        part.unlink(missing_ok=True)


def _place(archive: RemoteArchive, packed: Path, folder: Path) -> None:
    # In the same folder, so that the last step is one atomic rename; made anew after a kill.
    unpacked = folder / f".{archive.name}.unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        unpack(packed, unpacked, zipped=archive.name.endswith(".zip"))
        wanted = unpacked / archive.holds
        if not wanted.exists():
            raise CorruptDataError(f"{archive.name}: expected it to hold {archive.holds}")
        (folder / archive.holds).parent.mkdir(parents=True, exist_ok=True)
        wanted.replace(folder / archive.holds)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def unpack(archive: Path, folder: Path, *, zipped: bool) -> None:
    """Unpack an archive, refusing members that would be written outside of `folder`.

    Raises:
        CorruptDataError: It is damaged, or not what it should be.
    """
    try:
        if zipped:
            with zipfile.ZipFile(archive) as source:
                _refuse_paths_outside(source.namelist())
                source.extractall(folder)  # noqa: S202 (checked; links are never made)
        else:
            with tarfile.open(archive) as source:
                source.extractall(folder, filter="data")
    except (*_DAMAGED, ValueError) as error:
        raise CorruptDataError(f"{archive}: expected a complete, safe archive, got: {error}") from (
            error
        )


def _refuse_paths_outside(names: list[str]) -> None:
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise ValueError(f"the member '{name}' would be written outside of the folder")
