"""Whether a path that a user names is there, for paths that no file system could hold, too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Until Python 3.12, pathlib's is_file() and is_dir() raise OSError where a name is too long or a
# folder above it may not be entered; os.path's say no.


def file_there(path: Path) -> bool:
    """Whether `path` is a file that can be seen; False for a name longer than names can be."""
    return os.path.isfile(path)  # noqa: PTH113


def folder_there(path: Path) -> bool:
    """Whether `path` is a folder that can be seen; False for a name longer than names can be."""
    return os.path.isdir(path)  # noqa: PTH112
