"""A run as one .zip file: complete, the same bytes every time, and elsewhere a run again."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from hpo_torch.errors import OutputError, UsageError
from hpo_torch.results.atomic_files import output_error, replacing
from hpo_torch.results.run_lock import HOLDER_FILE, LOCK_FILE, whole_run_lock
from hpo_torch.results.run_names import check_run_name
from hpo_torch.results.run_paths import CONFIG_FILE
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCKS: Final = frozenset({LOCK_FILE, HOLDER_FILE, "study.journal.lock"})
# The first moment that the format knows: when files were written is no part of their content.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_MODE: Final = stat.S_IFREG | 0o644
_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What zipfile raises where it reads what nobody wrote.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
)
_HALF_DONE: Final = ".importing-"


def export_run(run: Path, target: Path) -> int:
    """Write all files of a run into a .zip file, in a folder of the run's name.

    Locks and temporary files are left out. States of trials that are not finished are in it: with
    them, resuming goes on from these trials' last epochs. The same files give the same bytes, with
    the same version of zlib.

    Args:
        run: The run's folder.
        target: The file; must not exist.

    Returns:
        Number of files.

    Raises:
        RunInUseError: A process works on the run: its files would not belong together.
        OutputError: `target` exists or cannot be written, or a file cannot be read.
    """
    if target.exists():
        raise OutputError(f"{target} exists already. Remove it, or choose another file (-o).")
    with whole_run_lock(run):
        files = run_files(run)
        top = run.resolve().name
        with replacing(target) as stream, zipfile.ZipFile(stream, "w") as archive:
            for path in files:
                _add(archive, path, f"{top}/{path.relative_to(run).as_posix()}")
    return len(files)


def run_files(run: Path) -> list[Path]:
    """Return a run's files in the order of their names, without locks and temporary files.

    Raises:
        OutputError: A folder cannot be read.
    """
    try:
        found = [path for path in run.rglob("*") if path.is_file() and not is_passing(path.name)]
    except OSError as error:
        raise output_error("read", run, error) from error
    return sorted(found, key=lambda path: path.relative_to(run).as_posix())


def is_passing(name: str) -> bool:
    """Whether a file of that name is a lock or a temporary file, and no part of a run."""
    temporary = name.startswith(".") and name.endswith(".tmp")
    return name in _LOCKS or temporary


def archive_entry(name: str) -> zipfile.ZipInfo:
    """Describe a file of an exported run; `name` is its path in the archive."""
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.create_system, entry.external_attr = _UNIX, _MODE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = archive_entry(name)
    try:
        entry.file_size = path.stat().st_size  # beyond 2 GiB the format has to know before
        with path.open("rb") as source, archive.open(entry, "w") as stream:
            shutil.copyfileobj(source, stream, 1 << 20)
    except OSError as error:
        raise output_error("export", path, error) from error


def import_run(source: Path, root: Path, name: str | None = None) -> Path:
    """Unpack an exported run into the folder of all runs; its files are the same, byte for byte.

    It is unpacked and checked beside, and then moved: there is the whole run, or nothing.

    Args:
        source: What `export_run` wrote.
        root: Folder of all runs.
        name: The run's name; as it was by default.

    Returns:
        The run's folder.

    Raises:
        UsageError: There is no such file, or the name can't be a folder's name.
        OutputError: The file is damaged or no exported run, a run of that name exists, or there
            is no room.
    """
    if not source.is_file():
        raise UsageError(f"there is no file {source}: expected what `hpo-torch export RUN` wrote")
    try:
        with zipfile.ZipFile(source) as archive:
            top, files = _checked(archive, source)
            path = root / (name or top)
            check_run_name(path.name if name is None else name)
            _check_free(path, root, files)
            return _unpack(archive, files, source, path)
    except _BROKEN as error:
        raise _damaged(source, str(error)) from error
    except OSError as error:
        raise output_error("import", source, error) from error


def _checked(archive: zipfile.ZipFile, source: Path) -> tuple[str, list[zipfile.ZipInfo]]:
    """Return the one folder that all lies in, and the files; raises OutputError."""
    entries = archive.infolist()
    for entry in entries:
        _check_entry(entry, source)
    files = [entry for entry in entries if not entry.is_dir()]
    names = [entry.filename for entry in files]
    tops = {PurePosixPath(name).parts[0] for name in names}
    top = min(tops, default="")
    if len(tops) != 1 or f"{top}/{CONFIG_FILE}" not in names:
        raise OutputError(
            f"{source} is no exported run: expected one folder with a {CONFIG_FILE}. "
            "`hpo-torch export RUN` makes such a file."
        )
    if len(set(names)) != len(names):
        raise _damaged(source, "it has two files of one name")
    return top, files


def _check_entry(entry: zipfile.ZipInfo, source: Path) -> None:
    """Refuse what could land outside of the run's folder, or cannot be read."""
    path = PurePosixPath(entry.filename)
    outside = path.is_absolute() or ".." in path.parts
    # A backslash separates folders, and a colon follows a drive, where Windows unpacks.
    if outside or not path.parts or "\\" in entry.orig_filename or ":" in entry.filename:
        raise OutputError(
            f"{source} is not to be trusted: it has a file '{entry.orig_filename}', which would "
            "lie outside of the run's folder. Nothing was unpacked."
        )
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == _UNIX else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise OutputError(
            f"{source} is not to be trusted: '{entry.filename}' is a link or device, which an "
            "exported run does not have. Nothing was unpacked."
        )
    if entry.flag_bits & _ENCRYPTED:
        raise OutputError(f"{source} is encrypted; unpack it and import it without a password.")
    if entry.compress_type not in _METHODS:
        raise _damaged(source, f"'{entry.filename}' is not compressed as an export is")


def _check_free(path: Path, root: Path, files: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse a name that is taken, and what the disk has no room for; makes `root`."""
    if path.exists():
        raise OutputError(
            f"{path} exists already. Choose another name (--name), or remove that run: "
            f"hpo-torch rm {path}"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise output_error("write", path, error) from error
    needed = sum(entry.file_size for entry in files)
    if needed > free:
        raise OutputError(
            f"{root} has {free / 1e6:,.0f} MB free, and the run needs {needed / 1e6:,.0f} MB. "
            "Free some space, or choose another folder (--output-dir)."
        )


def _unpack(
    archive: zipfile.ZipFile, files: Iterable[zipfile.ZipInfo], source: Path, path: Path
) -> Path:
    # A level deeper than runs lie, where no listing finds it before it is whole.
    beside = path.parent / f"{_HALF_DONE}{path.name}-{os.getpid()}"
    try:
        for entry in files:
            _extract(archive, entry, source, beside / path.name)
        RunView.open(beside / path.name).config  # noqa: B018 - is it one that we can read?
        (beside / path.name).rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return path


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, source: Path, run: Path) -> None:
    target = run.joinpath(*PurePosixPath(entry.filename).parts[1:])
    try:
        with archive.open(entry) as packed, replacing(target, durable=False) as stream:
            shutil.copyfileobj(packed, stream, 1 << 20)
    except _BROKEN as error:
        raise _damaged(source, f"'{entry.filename}': {error}") from error


def _damaged(source: Path, what: str) -> OutputError:
    return OutputError(
        f"{source} is damaged ({what}). Nothing was imported; copy or export it again."
    )
