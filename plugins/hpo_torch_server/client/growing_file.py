"""A log of whole lines that is only ever appended to: what is new is fetched, and appended."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import append_whole, output_error
from hpo_torch.plugin_runs import end_of_lines
from hpo_torch_server.client.download import AS_IT_IS, download
from hpo_torch_server.client.refusals import ServerError, UnreachableError
from hpo_torch_server.client.target import job_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hpo_torch_server.client.connection import Connection
    from hpo_torch_server.client.listing import RemoteFile

_PART: Final = 206
_OVERLAP: Final = 4096


class GrowingFile:
    """One log of a job, and our copy of it.

    The copy has whole lines only: a line without its end is being written, or a crash tore it, and
    then the next writer cuts it off.

    Args:
        connection: To the server.
        job: The job's id.
        file: The log as it was listed.
        copy: Ours; may not be there yet.
    """

    def __init__(self, connection: Connection, job: str, file: RemoteFile, copy: Path) -> None:
        self._connection, self._job, self._file, self._copy = connection, job, file, copy

    def is_a_beginning(self) -> bool:
        """Whether our copy is how the log begins, as far as its last lines tell.

        Raises:
            OutputError: The copy cannot be read.
            HpoTorchError: The server refuses, or cannot be reached.
        """
        size = self._whole_lines()
        if not size or size > self._file.size:
            return not size
        start = max(0, size - _OVERLAP)
        with self._copy.open("rb") as stream:
            stream.seek(start)
            ours = stream.read(size - start)
        backoff = self._connection.backoff()
        while True:
            try:
                return b"".join(self._range(start, size)) == ours
            except UnreachableError as error:
                backoff.wait(error)

    def append_new(self) -> int:
        """Append what the log had when it was listed and our copy has not; returns the bytes.

        A log that is known to be final is compared as a whole, and fetched anew if it differs.

        Raises:
            OutputError: The copy cannot be written.
            HpoTorchError: The server refuses, or cannot be reached.
        """
        try:
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            before = self._whole_lines()
            torn = self._append(before)
            if self._file.sha256 is None or self._sha256(torn) == self._file.sha256:
                return self._copy.stat().st_size - before
        except OSError as error:
            raise output_error("write", self._copy, error) from error
        download(self._connection, self._job, self._file, self._copy)
        return self._file.size

    def _append(self, size: int) -> bytes:
        """Append until all is there; returns what follows the last whole line."""
        backoff = self._connection.backoff()
        rest = b""
        with self._copy.open("ab", buffering=0) as stream:
            append_whole(stream.fileno(), b"", size)  # cuts a torn line
            while size + len(rest) < self._file.size:
                rest = b""
                try:
                    for block in self._range(size, self._file.size):
                        whole, newline, rest = (rest + block).rpartition(b"\n")
                        append_whole(stream.fileno(), whole + newline, size)
                        size += len(whole) + len(newline)
                        backoff.reset()
                except UnreachableError as error:
                    backoff.wait(error)
        return rest

    def _range(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the log's bytes from `start` to before `end`."""
        path = job_path(self._job, "files", self._file.path)
        headers = AS_IT_IS | {"Range": f"bytes={start}-{end - 1}"}
        with self._connection.stream(path, headers) as response:
            if response.status_code != _PART:
                raise ServerError(
                    f"{self._connection.target.url}: expected a part of {self._file.path}, got "
                    "all of it. Is there a proxy in between that knows no ranges?"
                )
            yield from self._connection.blocks(response)

    def _whole_lines(self) -> int:
        """Return how many bytes of our copy are whole lines."""
        try:
            with self._copy.open("rb") as stream:
                return end_of_lines(stream, stream.seek(0, 2))
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise output_error("read", self._copy, error) from error

    def _sha256(self, torn: bytes) -> str:
        with self._copy.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
        digest.update(torn)
        return digest.hexdigest()
