"""The parts of a set that come in archives: found where they lie, else fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plugin_api import DataNotFoundError, fetch_archive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.plugin_api import DataRequest, RemoteArchive


def find_part(archive: RemoteArchive, folders: Sequence[Path]) -> Path | None:
    """Return where what `archive` holds is, in the first folder that has it."""
    for folder in folders:
        if (folder / archive.holds).exists():
            return folder / archive.holds
    return None


def provide_parts(
    name: str, archives: Sequence[RemoteArchive], folders: Sequence[Path], request: DataRequest
) -> list[Path]:
    """Return where each part is, fetching what is absent into the first folder.

    An archive that lies in the first folder is unpacked even where nothing may be downloaded.

    Raises:
        DataNotFoundError: A part is absent and may not be downloaded.
        DownloadError: Every mirror failed.
        CorruptDataError: An archive is damaged.
    """
    missing = [archive for archive in archives if find_part(archive, folders) is None]
    unavailable = [
        archive
        for archive in missing
        if not request.download and not (folders[0] / archive.name).is_file()
    ]
    if unavailable:
        raise not_found(name, unavailable, folders)
    for archive in missing:
        fetch_archive(archive, folders[0], request.progress)
    return locate_parts(name, archives, folders)


def locate_parts(
    name: str, archives: Sequence[RemoteArchive], folders: Sequence[Path]
) -> list[Path]:
    """Return where each part is.

    Raises:
        DataNotFoundError: A part is absent.
    """
    places = [(archive, find_part(archive, folders)) for archive in archives]
    missing = [archive for archive, place in places if place is None]
    if missing:
        raise not_found(name, missing, folders)
    return [place for _, place in places if place is not None]


def not_found(
    name: str, archives: Sequence[RemoteArchive], folders: Sequence[Path]
) -> DataNotFoundError:
    """Say which parts are not there, and what to do."""
    parts = ", ".join(archive.holds for archive in archives)
    packed = ", ".join(archive.name for archive in archives)
    places = " nor in ".join(str(folder) for folder in folders)
    return DataNotFoundError(
        f"{name}: {parts} not found in {places}. Set data.download to true to fetch what is "
        f"missing, put it (or {packed}) into {folders[0]}, or point data.dir (HPO_TORCH_DATA_DIR) "
        "at the folder that has it."
    )
