"""CIFAR's files are pickles: read so that nothing but arrays can come out of them."""

from __future__ import annotations

import pickle
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from hpo_torch.plugin_api import CorruptDataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def _dtype(code: str, *_: object) -> np.dtype[Any]:
    # The files say dtype('u1', 0, 1), whose integers for flags numpy 2.4 warns of.
    return np.dtype(code)


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    # The module has a leading underscore since numpy 2; arrays know where the function is.
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}


class _ArrayUnpickler(pickle.Unpickler):
    """Refuses to import anything that arrays do not need: a pickle can call what it imports."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        """Return what the pickle may call; raises UnpicklingError on anything else."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it wants to call {module}.{name}") from None


def read_batch(path: Path, label_key: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one of CIFAR's files.

    Args:
        path: The file.
        label_key: "labels" of CIFAR-10, "fine_labels" of CIFAR-100.

    Returns:
        uint8 [N, 3, 32, 32] and int64 [N].

    Raises:
        CorruptDataError: It is not such a file, or would do more than make arrays.
    """
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file).load()
        images = np.asarray(content["data"]).reshape(-1, 3, 32, 32)
        labels = np.asarray(content[label_key], dtype=np.int64)
        if images.dtype != np.uint8 or labels.shape != (len(images),):
            raise ValueError(f"images {images.dtype} {images.shape}, labels {labels.shape}")
    except Exception as error:  # broken pickles raise almost anything
        raise CorruptDataError(
            f"{path}: expected one of CIFAR's files of 32x32 RGB images, got: {error}. "
            "Delete its folder and run again."
        ) from error
    return images, labels
