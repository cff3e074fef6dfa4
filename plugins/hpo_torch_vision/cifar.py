"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): https://www.cs.toronto.edu/~kriz/cifar.html

Layout, addresses and MD5 sums are torchvision's (torchvision.datasets.cifar).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import CorruptDataError, DataError, RemoteArchive
from hpo_torch_vision.archived_parts import find_part, locate_parts, provide_parts
from hpo_torch_vision.arrays import image_data
from hpo_torch_vision.cifar_classes import CIFAR10_CLASSES, CIFAR100_CLASSES
from hpo_torch_vision.cifar_pickle import read_batch
from hpo_torch_vision.holdout import TEST_SHARE, fixed_test_part
from hpo_torch_vision.image_npz import read_image_npz

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest, ImageData

    Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Batch:
    """One of CIFAR's files.

    Attributes:
        name: Its name.
        md5: Its checksum as published.
    """

    name: str
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CifarDataset:
    """Loads CIFAR's pickled batches, or a subset of them in one .npz file.

    The batches are looked for in DATA_DIR/name/FOLDER, where downloads go, and in
    DATA_DIR/FOLDER. Where they are in neither, an .npz file in DATA_DIR/name with arrays `images`
    (uint8 [N, 32, 32, 3]) and `labels` serves instead: a fixed fifth of each class is its test
    part then, and its figures are no figures of the whole set.

    Attributes:
        name: Name of the data set.
        archive: What is downloaded; holds FOLDER.
        train: The training files.
        test: The test files.
        label_key: Name of the labels in the files.
        class_names: One per class.
    """

    name: str
    archive: RemoteArchive
    train: tuple[Batch, ...]
    test: tuple[Batch, ...]
    label_key: str
    class_names: tuple[str, ...]

    def prepare(self, request: DataRequest) -> None:
        """Fetch the set unless it or a subset is there, and check its files."""
        subset = self._subset(request)
        if subset is not None:
            images, _ = self._read_subset(subset)
            if request.warn is not None:
                request.warn(
                    f"{self.name}: only a subset of {len(images)} images, {subset}; a fixed "
                    f"{TEST_SHARE:.0%} of each class is its test set, so that results cannot be "
                    "compared with others'. Move the file away to use the whole set."
                )
            return
        (folder,) = provide_parts(self.name, [self.archive], self._folders(request), request)
        for batch in (*self.train, *self.test):
            self._verify(folder / batch.name, batch)

    def load(self, request: DataRequest) -> ImageData:
        """Read the prepared files.

        Raises:
            DataNotFoundError: They are not there.
            CorruptDataError: A file is not what it should be.
        """
        subset = self._subset(request)
        if subset is not None:
            images, labels = self._read_subset(subset)
            test = fixed_test_part(labels)
            return image_data(
                (images[~test], labels[~test]), (images[test], labels[test]), self.class_names
            )
        (folder,) = locate_parts(self.name, [self.archive], self._folders(request))
        return image_data(
            self._read(folder, self.train), self._read(folder, self.test), self.class_names
        )

    def _read(self, folder: Path, batches: tuple[Batch, ...]) -> Arrays:
        parts = [read_batch(folder / batch.name, self.label_key) for batch in batches]
        images, labels = zip(*parts, strict=True)
        return np.concatenate(images), np.concatenate(labels)

    def _read_subset(self, path: Path) -> Arrays:
        return read_image_npz(path, (3, 32, 32), len(self.class_names))

    def _subset(self, request: DataRequest) -> Path | None:
        """Return the subset's file where the whole set is absent and there is one."""
        if find_part(self.archive, self._folders(request)) is not None:
            return None
        folder = self._folders(request)[0]
        files = sorted(folder.glob("*.npz"))
        if len(files) > 1:
            raise DataError(
                f"{self.name}: expected one subset (.npz) in {folder}, found "
                f"{', '.join(file.name for file in files)}. Leave one there."
            )
        return files[0] if files else None

    def _folders(self, request: DataRequest) -> tuple[Path, Path]:
        return request.data_dir / self.name, request.data_dir

    def _verify(self, path: Path, batch: Batch) -> None:
        if not path.is_file():
            raise CorruptDataError(
                f"{path} is not there. Delete {path.parent} and run again to fetch it anew."
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        if digest != batch.md5:
            raise CorruptDataError(
                f"{path}: expected MD5 {batch.md5}, got {digest}: the file is damaged or is "
                f"another file. Delete {path.parent} and run again."
            )


def _archive(name: str, holds: str, md5: str) -> RemoteArchive:
    return RemoteArchive(
        name=name,
        holds=holds,
        urls=(f"https://www.cs.toronto.edu/~kriz/{name}",),
        served=f"md5:{md5}",
    )


CIFAR10 = CifarDataset(
    name="cifar10",
    archive=_archive(
        "cifar-10-python.tar.gz", "cifar-10-batches-py", "c58f30108f718f92721af3b95e74349a"
    ),
    train=(
        Batch("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        Batch("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        Batch("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        Batch("data_batch_4", "634d18415352ddfa80567beed471001a"),
        Batch("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ),
    test=(Batch("test_batch", "40351d587109b95175f43aff81a1287e"),),
    label_key="labels",
    class_names=CIFAR10_CLASSES,
)

CIFAR100 = CifarDataset(
    name="cifar100",
    archive=_archive(
        "cifar-100-python.tar.gz", "cifar-100-python", "eb9058c3a382ffc7106e4002c42a8d85"
    ),
    train=(Batch("train", "16019d7e3df5f24257cddd939b257f8d"),),
    test=(Batch("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),),
    label_key="fine_labels",
    class_names=CIFAR100_CLASSES,
)
