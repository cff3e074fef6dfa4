"""Image sets in four idx files, the format of MNIST (http://yann.lecun.com/exdb/mnist/)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataNotFoundError,
    RemoteFile,
    fetch_file,
    find_file,
    read_file,
    verify_file,
)
from hpo_torch_vision.arrays import image_data

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest, ImageData

_UINT8 = 8  # the format's code for unsigned bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdxDataset:
    """Loads four idx files from where torchvision keeps them, unpacked or as .gz.

    Attributes:
        name: Name of the data set.
        folder: torchvision's name of its folder, "MNIST". The files are looked for in
            DATA_DIR/name/folder/raw, where downloads go, and in DATA_DIR/folder/raw.
        train_images: uint8 [N, H, W] in the file.
        train_labels: uint8 [N] in the file.
        test_images: As the training images.
        test_labels: As the training labels.
        class_names: One per class.
    """

    name: str
    folder: str
    train_images: RemoteFile
    train_labels: RemoteFile
    test_images: RemoteFile
    test_labels: RemoteFile
    class_names: tuple[str, ...]

    def prepare(self, request: DataRequest) -> None:
        """Check the files that are there, and fetch those that are not."""
        folders = self._folders(request)
        missing = []
        for file in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            path = find_file(file, folders)
            if path is None:
                missing.append(file)
            else:
                verify_file(path, file)
        if missing and not request.download:
            raise self._not_found(missing, folders)
        for file in missing:
            fetch_file(file, folders[0], request.progress)

    def load(self, request: DataRequest) -> ImageData:
        """Read the prepared files.

        Raises:
            DataNotFoundError: A file is not there.
            CorruptDataError: A file is not what its header says.
        """
        folders = self._folders(request)
        return image_data(
            self._part(self.train_images, self.train_labels, folders),
            self._part(self.test_images, self.test_labels, folders),
            self.class_names,
        )

    def _part(
        self, images: RemoteFile, labels: RemoteFile, folders: tuple[Path, ...]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        arrays = []
        for file, dimensions in ((images, 3), (labels, 1)):
            path = find_file(file, folders)
            if path is None:
                raise self._not_found([file], folders)
            arrays.append(parse_idx(read_file(path), dimensions, path))
        return arrays[0], arrays[1].astype(np.int64)

    def _folders(self, request: DataRequest) -> tuple[Path, ...]:
        root = request.data_dir
        return root / self.name / self.folder / "raw", root / self.folder / "raw"

    def _not_found(self, files: list[RemoteFile], folders: tuple[Path, ...]) -> DataNotFoundError:
        names = ", ".join(file.name for file in files)
        return DataNotFoundError(
            f"{self.name}: {names} (or .gz) not found in {folders[0]} nor in {folders[1]}. "
            "Set data.download to true to fetch what is missing, put the files there, or point "
            "data.dir (HPO_TORCH_DATA_DIR) at the folder that has them."
        )


def parse_idx(content: bytes, dimensions: int, path: Path) -> NDArray[np.uint8]:
    """Return the array of an idx file of unsigned bytes.

    The format: two zero bytes, the type's code, the number of dimensions, each dimension's size
    as a big-endian 32-bit integer, then the values in C order.

    Args:
        content: The file's bytes, unpacked.
        dimensions: How many dimensions it must have.
        path: Named in the message of an error.

    Raises:
        CorruptDataError: Header or length is wrong.
    """
    magic = bytes((0, 0, _UINT8, dimensions))
    header = len(magic) + 4 * dimensions
    if content[: len(magic)] != magic or len(content) < header:
        raise CorruptDataError(
            f"{path}: expected an idx file with a header of {header} bytes that begins with "
            f"{magic.hex()}, got '{content[:header].hex()}'. Delete it and run again."
        )
    shape = tuple(int(size) for size in np.frombuffer(content[len(magic) : header], ">u4"))
    values = np.frombuffer(content, dtype=np.uint8, offset=header)
    if values.size != math.prod(shape):
        raise CorruptDataError(
            f"{path}: expected the values of an array {list(shape)}, got {values.size} bytes. "
            "Delete it and run again."
        )
    return values.reshape(shape).copy()  # bytes are read-only, tensors are not
