"""GTSRB, the German Traffic Sign Recognition Benchmark: https://benchmark.ini.rub.de

Layout, addresses and MD5 sums are torchvision's (torchvision.datasets.gtsrb).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import CorruptDataError, RemoteArchive, list_images
from hpo_torch_vision.archived_parts import locate_parts, provide_parts
from hpo_torch_vision.arrays import image_data
from hpo_torch_vision.decoded_images import DECODED_FOLDER, FixedShape, ImageFiles, decoded
from hpo_torch_vision.gtsrb_classes import GTSRB_CLASSES
from hpo_torch_vision.unreadable_files import check_readable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest, ImageData
    from hpo_torch_vision.decoded_images import Pixels

    Ints = NDArray[np.int64]

_URL = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
_SIZING = FixedShape((3, 32, 32))
_TRACK_FILE = re.compile(
    r"(\d+)_\d+\.\w+"
)  # 00012_00029.ppm: the last of the 30 images of track 12
_TRACKS_PER_CLASS = 100_000  # more than five digits can tell
_LISTED = 5


def _archive(name: str, holds: str, md5: str) -> RemoteArchive:
    return RemoteArchive(name=name, holds=holds, urls=(f"{_URL}{name}",), served=f"md5:{md5}")


_TRAINING = _archive(
    "GTSRB-Training_fixed.zip", "GTSRB/Training", "513f3c79a4c5141765e10e952eaa2478"
)
_TEST = _archive(
    "GTSRB_Final_Test_Images.zip", "GTSRB/Final_Test/Images", "c7e4e6327067d32654124b0fe9e82185"
)
_TEST_CLASSES = _archive(
    "GTSRB_Final_Test_GT.zip", "GT-final_test.csv", "fe31e9c9270bbcd7b84b7f21a9d9d9e5"
)
GTSRB_ARCHIVES = (_TRAINING, _TEST, _TEST_CLASSES)


@dataclass(frozen=True, slots=True)
class Signs:
    """Labelled files.

    Attributes:
        files: The images.
        labels: int64 [N].
        groups: int64 [N]; images of one track (one physical sign, driven towards) have one
            number. Test images, whose files tell no tracks, have one each.
    """

    files: ImageFiles
    labels: Ints
    groups: Ints


class Gtsrb:
    """Loads the signs as 32x32 RGB, whole images (the marked region of the sign is not cut out).

    Files are looked for in DATA_DIR/gtsrb/gtsrb, where downloads go, and in DATA_DIR/gtsrb.
    """

    def prepare(self, request: DataRequest) -> None:
        """Fetch what is not there, and decode all images, so that no trial finds a damaged one."""
        provide_parts("gtsrb", GTSRB_ARCHIVES, _folders(request), request)
        for signs in _read_tables(request):
            _read_pixels(signs, request)

    def load(self, request: DataRequest) -> ImageData:
        """Read the prepared files.

        Raises:
            DataNotFoundError: A part is not there.
            CorruptDataError: A file is not as it should be.
        """
        train, test = _read_tables(request)
        (images, used), (test_images, test_used) = (
            _read_pixels(signs, request) for signs in (train, test)
        )
        return image_data(
            (images, train.labels[used]),
            (test_images, test.labels[test_used]),
            GTSRB_CLASSES,
            train.groups[used],
        )


def _folders(request: DataRequest) -> tuple[Path, Path]:
    return request.data_dir / "gtsrb" / "gtsrb", request.data_dir / "gtsrb"


def _read_pixels(signs: Signs, request: DataRequest) -> tuple[Pixels, NDArray[np.bool_]]:
    images = decoded(signs.files, request.data_dir / DECODED_FOLDER, request.warn)
    used = check_readable(signs.files, images, request)
    return images.usable(), used


def _read_tables(request: DataRequest) -> tuple[Signs, Signs]:
    """Return the training and the test images."""
    training, test, classes = locate_parts("gtsrb", GTSRB_ARCHIVES, _folders(request))
    return read_training(training), read_test(test, classes)


def read_training(folder: Path) -> Signs:
    """List the training images, class folder by class folder.

    Raises:
        CorruptDataError: A class folder is not there or empty, or a file's name tells no track.
    """
    names, labels, groups = [], [], []
    for label in range(len(GTSRB_CLASSES)):
        of_class = list_images(folder / f"{label:05d}")
        if not of_class:
            raise CorruptDataError(f"{folder / f'{label:05d}'}: expected images, found none")
        for name in of_class:
            match = _TRACK_FILE.fullmatch(name)
            if match is None:
                raise CorruptDataError(
                    f"{folder / f'{label:05d}' / name}: expected a name like 00012_00029.ppm, "
                    "which tells the image's track: tracks must not be divided by a split"
                )
            names.append(f"{label:05d}/{name}")
            labels.append(label)
            groups.append(label * _TRACKS_PER_CLASS + int(match[1]))
    files = ImageFiles(folder, tuple(names), _SIZING)
    return Signs(files, np.array(labels, np.int64), np.array(groups, np.int64))


def read_test(folder: Path, table: Path) -> Signs:
    """List the official test images, in the order of their table.

    Raises:
        CorruptDataError: The table is not one, or names images that are not there.
    """
    present = {name.rpartition(".")[0]: name for name in list_images(folder)}
    names, labels, missing = [], [], []
    for name, label in _read_classes(table):
        found = present.get(name.rpartition(".")[0])  # .ppm there, .png where they were converted
        if found is None:
            missing.append(name)
        else:
            names.append(found)
            labels.append(label)
    if missing or not names:
        raise CorruptDataError(
            f"{folder}: expected the images that {table} names, not found: "
            f"{', '.join(missing[:_LISTED])} ({len(missing)} in all)"
        )
    array = np.array(labels, np.int64)
    return Signs(ImageFiles(folder, tuple(names), _SIZING), array, np.arange(len(array)))


def _read_classes(table: Path) -> list[tuple[str, int]]:
    """Return file names and classes of the test images."""
    try:
        with table.open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source, delimiter=";", skipinitialspace=True))
        classes = [(row["Filename"], int(row["ClassId"])) for row in rows]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise CorruptDataError(
            f"{table}: expected lines of Filename;...;ClassId, got: {error!r}"
        ) from error
    wrong = [label for _, label in classes if not 0 <= label < len(GTSRB_CLASSES)]
    if wrong:
        raise CorruptDataError(f"{table}: expected classes 0..42, got {wrong[0]}")
    return classes


GTSRB = Gtsrb()
