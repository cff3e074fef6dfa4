"""Where a file's whole lines end: what follows is being written, or a crash tore it."""

from __future__ import annotations

from typing import IO, Final

_BLOCK: Final = 1 << 16  # bytes that are read at once, from the end


def end_of_lines(file: IO[bytes], size: int) -> int:
    """Return the offset behind the last line end among a file's first bytes; 0 without any.

    Args:
        file: Open for reading; its position changes.
        size: How many of its bytes are looked at, backwards.
    """
    while size:
        start = max(0, size - _BLOCK)
        file.seek(start)
        found = file.read(size - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0
