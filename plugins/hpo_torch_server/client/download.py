"""One file, whole: it goes on where it broke off, is verified, and only then has its name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import IO, TYPE_CHECKING, Final

from hpo_torch.plugin_api import CorruptDataError, output_error
from hpo_torch_server.client.refusals import ServerError, UnreachableError
from hpo_torch_server.client.target import job_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from hpo_torch_server.client.connection import Connection
    from hpo_torch_server.client.listing import RemoteFile

ATTEMPTS: Final = 3
_PART: Final = 206
_BLOCK: Final = 1 << 20
AS_IT_IS: Final = {"Accept-Encoding": "identity"}
"""Ranges, sizes and checksums are those of the content itself."""


def download(
    connection: Connection,
    job: str,
    file: RemoteFile,
    target: Path,
    came: Callable[[int], None] = lambda _: None,
) -> None:
    """Replace `target` by a job's file, atomically.

    What came before the connection broke, or this process was killed, is kept beside it where the
    file's checksum tells that it belongs to the same content.

    Args:
        connection: To the server.
        job: The job's id.
        file: The file as it was listed.
        target: Its place here.
        came: Takes the number of bytes that came, again and again; below 0 for those in vain.

    Raises:
        CorruptDataError: What came has another checksum than the server says, again and again.
        OutputError: `target` cannot be written.
        HpoTorchError: The server refuses, or cannot be reached.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _part(target, file)
        for _ in range(ATTEMPTS):
            if _Download(connection, job, file, part, came).complete():
                _put_in_place(part, target, file)
                return
            part.unlink()
    except OSError as error:
        raise output_error("write", target, error) from error
    raise CorruptDataError(
        f"{file.path} of {job}: fetched {ATTEMPTS} times, and each time its sha256 was another "
        "than the server says. The file on the server, or the way to it, is damaged."
    )


def sha256_of(path: Path) -> str:
    """Return a file's checksum, hexadecimal; raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _part(target: Path, file: RemoteFile) -> Path:
    """Choose where a part is kept, and remove parts of other contents.

    The name is that of a temporary file: no listing or export of the run takes it for a result.
    """
    known = (file.sha256 or "")[:16]
    part = target.with_name(f".{target.name}.{known or 'unknown'}.tmp")
    for other in target.parent.glob(f".{target.name}.*.tmp"):
        if other != part or not known:
            other.unlink()
    return part


def _put_in_place(part: Path, target: Path, file: RemoteFile) -> None:
    # The server's time: that and the size tell the next time whether it has changed.
    os.utime(part, ns=(file.modified_ns, file.modified_ns))
    part.replace(target)


class _Download:
    """One attempt at a file's content, over as many connections as it takes."""

    def __init__(
        self,
        connection: Connection,
        job: str,
        file: RemoteFile,
        part: Path,
        came: Callable[[int], None],
    ) -> None:
        self._connection, self._file, self._part, self._came = connection, file, part, came
        self._path = job_path(job, "files", file.path)
        self._sha256 = hashlib.sha256()
        self._expected = file.sha256
        self._etag = ""

    def complete(self) -> bool:
        """Receive what is missing; False where the checksum is wrong.

        Raises:
            OSError: It cannot be written.
            HpoTorchError: The server refuses, or cannot be reached.
        """
        backoff = self._connection.backoff()
        with self._part.open("a+b") as stream:
            self._read_again(stream)
            while self._expected is None or stream.tell() < self._file.size:
                before = stream.tell()
                try:
                    self._receive(stream)
                    break
                except UnreachableError as error:
                    if stream.tell() > before:
                        backoff.reset()
                    backoff.wait(error)
            stream.flush()
            os.fsync(stream.fileno())
        return self._expected in (None, self._sha256.hexdigest())

    def _read_again(self, stream: IO[bytes]) -> None:
        """Take what an earlier process left into the checksum."""
        stream.seek(0)
        while block := stream.read(_BLOCK):
            self._take(block)

    def _receive(self, stream: IO[bytes]) -> None:
        """Receive as much as one connection brings.

        Raises:
            UnreachableError: It broke off before the end.
        """
        headers, have = dict(AS_IT_IS), stream.tell()
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._etag:  # the rest only of the same content, else all of the new one
                headers["If-Range"] = self._etag
        with self._connection.stream(self._path, headers) as response:
            self._etag = response.headers.get("ETag", "")
            self._expected = self._file.sha256 or _digest(response)
            if response.status_code != _PART:
                self._begin_anew(stream)
            end = stream.tell() + int(response.headers.get("Content-Length", -1))
            for block in self._connection.blocks(response):
                stream.write(block)
                self._take(block)
        if stream.tell() != end:
            raise ServerError(
                f"{self._connection.target.url}: expected {end} bytes of {self._file.path}, got "
                f"{stream.tell()}. Is there a proxy in between that changes contents?"
            )

    def _take(self, block: bytes) -> None:
        self._sha256.update(block)
        self._came(len(block))

    def _begin_anew(self, stream: IO[bytes]) -> None:
        self._came(-stream.tell())
        stream.seek(0)
        stream.truncate()
        self._sha256 = hashlib.sha256()


def _digest(response: httpx.Response) -> str | None:
    """Return the sha256 that a Repr-Digest header tells (RFC 9530), hexadecimal; None without."""
    for entry in response.headers.get("Repr-Digest", "").split(","):
        name, _, value = entry.strip().partition("=:")
        if name == "sha-256":
            try:
                return base64.b64decode(value.removesuffix(":"), validate=True).hex()
            except binascii.Error:
                return None
    return None
