"""Which files a job has on the server, and which of them are fetched."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hpo_torch.plugin_runs import CONFIG_FILE, is_passing
from hpo_torch_server.client.refusals import ServerError
from hpo_torch_server.client.target import job_path

if TYPE_CHECKING:
    from hpo_torch_server.client.connection import Connection

PAGE: Final = 10_000
FETCHED_FILE: Final = ".fetched.json"
"""Ours, beside a run's files: what they were fetched from."""

_GROWING: Final = frozenset({".jsonl", ".journal"})
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class RemoteFile(BaseModel):
    """A file as it was when the server listed it.

    Attributes:
        path: In the run's folder, with slashes.
        size: Bytes.
        modified: When it was written last.
        sha256: Of its content, hexadecimal; None as long as it may change.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    size: int = Field(ge=0)
    modified: datetime
    sha256: str | None = None

    @property
    def modified_ns(self) -> int:
        """When it was written last, nanoseconds since 1970, with the listing's precision."""
        passed = self.modified - _EPOCH
        return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000

    @property
    def grows(self) -> bool:
        """Whether it is only ever appended to, in whole lines."""
        return PurePosixPath(self.path).suffix in _GROWING

    @property
    def stage(self) -> int:
        """When it is fetched: who sees a file finds those complete that it speaks of.

        As the engine writes them: first what makes the folder a run, a trial's result after the
        rest of the trial, then what the logs say of it, and in the end that the run has ended.
        """
        name = PurePosixPath(self.path).name
        if self.path == CONFIG_FILE:
            return 0
        if name == "summary.json":
            return 4
        if self.grows:
            return 3
        return 2 if name == "result.json" else 1


def list_files(connection: Connection, job: str) -> list[RemoteFile]:
    """Return the job's files in the order in which they are to be fetched.

    Locks and temporary files are left out.

    Raises:
        HpoTorchError: The server refuses, cannot be reached, or lists what lies elsewhere.
    """
    items = connection.pages(job_path(job, "files"), {"limit": PAGE})
    files = [_checked(item, connection.target.url) for item in items]
    return sorted(filter(_is_wanted, files), key=lambda file: (file.stage, file.path))


def _is_wanted(file: RemoteFile) -> bool:
    name = PurePosixPath(file.path).name
    return not is_passing(name) and name != FETCHED_FILE


def _checked(item: Any, url: str) -> RemoteFile:
    """Accept a file that lies in the run's folder, on every system."""
    try:
        file = RemoteFile.model_validate(item)
    except ValidationError as error:
        raise ServerError(f"{url}: a file's entry is not understood: {error}") from None
    path = PurePosixPath(file.path)
    outside = path.is_absolute() or ".." in path.parts or not path.parts
    # A backslash separates folders, and a colon follows a drive, on Windows.
    if outside or "\\" in file.path or ":" in file.path or "\0" in file.path:
        raise ServerError(
            f"{url} is not to be trusted: it lists a file '{file.path}', which would lie outside "
            "of the run's folder. Nothing more was fetched."
        )
    return file
