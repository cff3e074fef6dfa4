"""A job's files on this machine: brought up to date again and again, until they are complete."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from hpo_torch.plugin_api import OutputError, UsageError, output_error, replacing
from hpo_torch.plugin_runs import CONFIG_FILE, check_run_name, run_lock
from hpo_torch_server.client.download import download, sha256_of
from hpo_torch_server.client.growing_file import GrowingFile
from hpo_torch_server.client.listing import FETCHED_FILE, list_files
from hpo_torch_server.client.refusals import AbsentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hpo_torch_server.client.connection import Connection
    from hpo_torch_server.client.listing import RemoteFile

AT_ONCE: Final = 4
"""Files fetched at once: a run has thousands of small ones, each an answer's way apart."""


class Fetched(BaseModel):
    """What a folder was fetched from.

    Attributes:
        url: The server's, when it was fetched last.
        job: The job's id.
        files: Paths of files that came from there: those that vanish there vanish here.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    job: str
    files: list[str] = []


class Mirror:
    """One job's folder on this machine; use it within `open_mirror`.

    Args:
        connection: To the server; threads share it.
        job: The job's id.
        folder: Of the run, here.
        progress: Takes bytes that have come in this pass, and all that are to come in it.

    Attributes:
        files: Files fetched so far; those that grow count each time.
        size: Their bytes.
    """

    def __init__(
        self,
        connection: Connection,
        job: str,
        folder: Path,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._connection, self._job, self._folder = connection, job, folder
        self._progress = progress
        self._fetched = _read_fetched(folder) or Fetched(url=connection.target.url, job=job)
        self._compared = False
        self._hashes: dict[str, tuple[int, int, str]] = {}
        self._counting = threading.Lock()
        self._done, self._due = 0, 0
        self.files, self.size = 0, 0

    def bring_up_to_date(self) -> bool:
        """Make the folder what the server lists now; False where a file has gone meanwhile.

        Raises:
            UsageError: Somebody worked on the run here: it is another one by now.
            CorruptDataError: A file came damaged, again and again.
            OutputError: The folder cannot be written.
            HpoTorchError: The server refuses, or cannot be reached.
        """
        listed = list_files(self._connection, self._job)
        if not self._compared:
            self._check_same(listed)
            self._compared = True
        self._remove_vanished(listed)
        missing = [file for file in listed if not self._is_here(file)]
        self._done, self._due = 0, sum(map(self._missing_bytes, missing))
        whole = True
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _, stage in groupby(missing, lambda file: file.stage):
                fetching = [pool.submit(self._fetch, file) for file in stage]
                try:
                    there = [each.result() for each in fetching]
                except BaseException:
                    self._connection.close_soon()
                    pool.shutdown(cancel_futures=True)
                    raise
                whole = whole and all(there)
        return whole

    def _check_same(self, listed: Sequence[RemoteFile]) -> None:
        """Refuse a folder whose logs are not how the server's begin."""
        by_path = {file.path: file for file in listed}
        for path in ("events.jsonl", "study.journal"):
            copy, file = self._folder / path, by_path.get(path)
            if not copy.exists():
                continue
            if file is None or not self._growing(file).is_a_beginning():
                raise UsageError(
                    f"{self._folder} is not the beginning of {self._job} on "
                    f"{self._connection.target.url} any more ({path} differs): it was worked on "
                    "here, or the job was made anew there. Choose another folder (--output-dir)."
                )

    def _remove_vanished(self, listed: Sequence[RemoteFile]) -> None:
        """Remove what came from the server and is there no more, and note what is to come."""
        paths = {file.path for file in listed}
        known = set(self._fetched.files)
        # What ends a run first: without it, the folder is a run that goes on.
        for path in sorted(known - paths, key=lambda path: not path.endswith("summary.json")):
            try:
                (self._folder / path).unlink(missing_ok=True)
            except OSError as error:
                raise output_error("remove", self._folder / path, error) from error
        if paths != known:
            self._fetched = Fetched(
                url=self._connection.target.url, job=self._job, files=sorted(paths)
            )
            with replacing(self._folder / FETCHED_FILE, durable=False) as stream:
                stream.write(self._fetched.model_dump_json(indent=1).encode() + b"\n")

    def _is_here(self, file: RemoteFile) -> bool:
        """Whether our copy is the listed file, as far as can be told without asking for it."""
        try:
            found = (self._folder / file.path).stat()
        except OSError:
            return False
        if found.st_size != file.size:
            return False
        if file.sha256 is not None:
            return self._hash(file.path, found.st_mtime_ns, found.st_size) == file.sha256
        return file.grows or found.st_mtime_ns == file.modified_ns

    def _hash(self, path: str, modified: int, size: int) -> str:
        known = self._hashes.get(path)
        if known is None or known[:2] != (modified, size):
            try:
                known = modified, size, sha256_of(self._folder / path)
            except OSError as error:
                raise output_error("read", self._folder / path, error) from error
            self._hashes[path] = known
        return known[2]

    def _missing_bytes(self, file: RemoteFile) -> int:
        path = self._folder / file.path
        here = path.stat().st_size if file.grows and path.exists() else 0
        return max(0, file.size - here)

    def _fetch(self, file: RemoteFile) -> bool:
        """Fetch a file; False where there is none any more."""
        try:
            if file.grows:
                fetched = self._growing(file).append_new()
                self._came(fetched)
            else:
                download(self._connection, self._job, file, self._folder / file.path, self._came)
                fetched = file.size
        except AbsentError:
            return False
        with self._counting:
            self.files, self.size = self.files + 1, self.size + fetched
        return True

    def _came(self, size: int) -> None:
        with self._counting:
            self._done += size
            if self._progress is not None:
                self._progress(self._done, self._due)

    def _growing(self, file: RemoteFile) -> GrowingFile:
        return GrowingFile(self._connection, self._job, file, self._folder / file.path)


@contextmanager
def open_mirror(
    connection: Connection,
    job: str,
    root: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Mirror]:
    """Take a job's folder in the folder of all runs, and keep others from working on it.

    Raises:
        InvalidValueError: The job's id can't be a folder's name here.
        OutputError: There is a run of that name that was not fetched from that job, or the folder
            cannot be made.
        RunInUseError: Another process works on the run here, or fetches it.
    """
    check_run_name(job)
    folder = root / job
    known = _read_fetched(folder)
    if known is None and (folder / CONFIG_FILE).exists():
        raise OutputError(
            f"{folder} exists already, and was not fetched from a server. Choose another folder "
            "(--output-dir)."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error("write", folder, error) from error
    with run_lock(folder):
        yield Mirror(connection, job, folder, progress)


def _read_fetched(folder: Path) -> Fetched | None:
    """Read what a folder was fetched from; None where it was not."""
    path = folder / FETCHED_FILE
    try:
        return Fetched.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise output_error("read", path, error) from error
    except ValidationError as error:
        raise OutputError(
            f"{path} does not say what {folder} was fetched from. Remove it, or choose another "
            "folder (--output-dir)."
        ) from error
