"""Arrays by name in one .npz file, replaced whole and read without unpickling anything."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import output_error, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Replace `path`'s content by these arrays, atomically; raises OutputError."""
    with replacing(path) as file:
        np.savez(file, **cast("Any", arrays))  # a name is none of its own arguments


def read_arrays(path: Path, *names: str) -> Arrays:
    """Read all arrays of a file.

    Args:
        path: Of the file.
        names: What must be in it.

    Raises:
        OutputError: The file is missing, damaged, or lacks an array; the message names it.
    """
    try:
        # Opened here: numpy leaves a file open that is no whole archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays: Arrays = {name: kept[name] for name in kept.files}
    except OSError as error:
        raise output_error("read", path, error) from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise damaged(path, str(error)) from error
    require(path, arrays, names)
    return arrays


def require(path: Path, arrays: Mapping[str, NDArray[Any]], names: Iterable[str]) -> None:
    """Raise OutputError where a file's arrays lack one of these."""
    for name in names:
        if name not in arrays:
            raise damaged(path, f"it holds no array {name!r}")


def damaged(path: Path, why: str) -> OutputError:
    """Return the error of a file whose arrays are not what they should be."""
    return OutputError(
        f"{path} is damaged: {why}. It was changed by hand, or written by another version; restore "
        "or remove it."
    )
