"""A file as an answer: whole or in part, with what a browser must not do with it."""

from __future__ import annotations

import base64
import re
from email.utils import formatdate
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse

from hpo_torch_server.conditional import matches
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    from starlette.types import Receive, Scope, Send

    from hpo_torch_server.served_files import OpenFile

CHUNK_BYTES: Final = 1 << 18
BINARY: Final = "application/octet-stream"
MEDIA_TYPES: Final = {
    ".csv": "text/csv; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".journal": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}
"""By ending; everything else is bytes. Guessing is for nobody: browsers are told so."""
_SANDBOX: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
)
"""A page or picture may show itself, and do nothing: no scripts, no requests, no origin of ours."""
_RANGE: Final = re.compile(
    r"bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{0,18})|-\s*(\d{1,18}))\s*", re.ASCII
)


class FileAnswer(StreamingResponse):
    """Sends an open file, or a part of it, and closes it.

    Of a file that grows, what it had when it was opened is sent.

    Args:
        opened: The file.
        request: The request's headers: Range, If-Range.
        digest: The file's SHA-256, hexadecimal, where it is known.
        download: Have browsers save it instead of showing it.

    Raises:
        Problem: 416: the part that was asked for lies behind the file's end.
    """

    def __init__(
        self,
        opened: OpenFile,
        request: Mapping[str, str],
        digest: str | None = None,
        *,
        download: bool = False,
    ) -> None:
        entry, tag = opened.entry, etag_of(opened)
        media = media_type_of(entry.path)
        headers = _headers(entry.path, tag, entry.modified, attach=download or media == BINARY)
        if digest is not None:
            packed = base64.b64encode(bytes.fromhex(digest)).decode()
            headers["Repr-Digest"] = f"sha-256=:{packed}:"
        start, end = 0, entry.size
        wanted = request.get("range")
        # Only of the very content whose other part the client has.
        if wanted is not None and request.get("if-range", tag) == tag:
            part = byte_range(wanted, entry.size)
            if part is not None:
                start, end = part
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.size}"
        headers["Content-Length"] = str(end - start)
        status = 206 if "Content-Range" in headers else 200
        content = _chunks(opened.stream, start, end)
        super().__init__(content, status, headers, media_type=media)
        self._stream = opened.stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it, however that ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.close()


def answer_file(
    opened: OpenFile,
    request: Mapping[str, str],
    digest: str | None = None,
    *,
    download: bool = False,
) -> Response:
    """Answer with a file: whole, in part, or 304 where the client has it; arguments as above."""
    tag = etag_of(opened)
    try:
        if not matches(request.get("if-none-match"), tag):
            return FileAnswer(opened, request, digest, download=download)
    except Problem:
        opened.stream.close()
        raise
    opened.stream.close()
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def etag_of(opened: OpenFile) -> str:
    """Return a strong ETag: another content of the file has another one."""
    _, inode, modified, size = opened.entry.identity
    return f'"{inode:x}-{modified:x}-{size:x}"'


def media_type_of(path: str) -> str:
    """Return a file's media type by its ending."""
    return MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), BINARY)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the part that a Range header asks for, from a first byte up to before another one.

    >>> byte_range("bytes=2-4", 10), byte_range("bytes=8-", 10), byte_range("bytes=-3", 10)
    ((2, 5), (8, 10), (7, 10))

    None: all of it, since the header is none of a kind that is served: several parts at once, or
    other units (RFC 9110, 14.2).

    Raises:
        Problem: 416: there is no such part.
    """
    found = _RANGE.fullmatch(header)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        detail = f"expected a part of {size} bytes, got '{header[:60]}'"
        headers = {"Content-Range": f"bytes */{size}"}
        raise Problem(416, "", detail, "range", headers=headers)
    return start, end


def _headers(path: str, tag: str, modified: int, *, attach: bool) -> dict[str, str]:
    headers = {
        "ETag": tag,
        "Last-Modified": formatdate(modified / 1e9, usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _SANDBOX,
    }
    if attach:
        headers["Content-Disposition"] = disposition(PurePosixPath(path).name)
    return headers


def disposition(name: str) -> str:
    """Return a Content-Disposition that saves under a name, reduced to what every header holds."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._+- ") else "_" for c in name)
    return f'attachment; filename="{safe}"'


def _chunks(stream: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    left = end - start
    while left > 0:
        chunk = stream.read(min(CHUNK_BYTES, left))
        if not chunk:  # cut off meanwhile: too short an answer tells the client
            return
        left -= len(chunk)
        yield chunk
