"""One file's bytes from its mirrors; a broken or killed transfer goes on where it ended.

pooch, the usual tool, begins every transfer anew; so this speaks to requests itself.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from hpo_torch.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Progress = Callable[[str, int, int], None]

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 16
_ATTEMPTS = 5  # at one mirror, and only while each gets at least a chunk further


def download(
    name: str, urls: tuple[str, ...], served: str, path: Path, progress: Progress | None
) -> None:
    """Fetch exactly the bytes that mirrors serve.

    What `path` holds already is taken for their beginning: only the rest is asked for (HTTP
    Range). The checksum decides in the end; where it is wrong, or where the mirror knows no Range,
    the transfer starts from nothing. After a failure `path` keeps what has come, for the next run.

    Args:
        name: Name of what is served, for progress and messages.
        urls: Its addresses, tried in this order.
        served: Its checksum as published, "md5:..." or "sha256:...".
        path: Where the bytes go; nobody else may write there meanwhile.
        progress: Called with (name, bytes so far, bytes in all or 0 where unknown).

    Raises:
        DownloadError: Every mirror failed; the message says how, for each.
        OSError: `path` cannot be written.
    """
    if path.is_file() and checksum_failure(path, served) is None:
        return  # killed between the last byte and what comes after
    failures = []
    for url in urls:
        failure = _from_mirror(url, name, served, path, progress)
        if failure is None:
            return
        failures.append(f"{url}: {failure}")
    raise DownloadError(
        f"cannot download {name}: every mirror failed ({'; '.join(failures)}). "
        f"Check the network and run again, or put the file into {path.parent} yourself."
    )


def checksum_failure(path: Path, served: str) -> str | None:
    """Return None when a file has this checksum ("md5:...", "sha256:..."), else what is wrong."""
    algorithm, _, expected = served.partition(":")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    return None if digest == expected else f"expected {served}, got {algorithm}:{digest}"


def _from_mirror(
    url: str, name: str, served: str, path: Path, progress: Progress | None
) -> str | None:
    """Return None when `path` holds what `url` should serve, else what went wrong."""
    import requests

    failure: str | None = None
    for _ in range(_ATTEMPTS):
        begun = _size(path)
        try:
            _transfer(url, name, path, progress)
        except requests.RequestException as error:
            failure = str(error)
            if _size(path) <= begun:
                break
            continue
        failure = checksum_failure(path, served)
        if failure is None:
            break
        path.unlink()
        if begun == 0:
            break  # these bytes are all this mirror's; else the beginning may be another's
    return failure


def _transfer(url: str, name: str, path: Path, progress: Progress | None) -> None:
    """Append to `path` what follows its content at `url`; start anew if the server does."""
    import requests

    have = _size(path)
    headers = {"Accept-Encoding": "identity"}  # a .gz file itself, not unpacked on the way
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing follows
        response.raise_for_status()
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        done = have if goes_on else 0
        length = int(response.headers.get("Content-Length", 0))
        total = done + length if length else 0
        with path.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(name, done, total)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
