"""The user's own images: a folder of class folders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import DataError, DatasetFacts, OwnExamples, UsageError
from hpo_torch_vision.arrays import image_data
from hpo_torch_vision.decoded_images import DECODED_FOLDER, ImageFiles, decoded
from hpo_torch_vision.folder_layout import list_labelled, read_layout
from hpo_torch_vision.holdout import TEST_SHARE
from hpo_torch_vision.median_shape import MedianShape
from hpo_torch_vision.unreadable_files import check_readable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest, ImageData
    from hpo_torch_vision.decoded_images import Pixels
    from hpo_torch_vision.folder_layout import FolderLayout

_PER_CLASS = 2  # one trains, one validates
_IMBALANCE = 10
_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnImages:
    """What a request's folder holds, decoded; unreadable files left out.

    Attributes:
        layout: The files.
        pixels: uint8 [N, C, H, W].
        labels: int64 [N].
        test: bool [N]; False first, then True.
    """

    layout: FolderLayout
    pixels: Pixels
    labels: NDArray[np.int64]
    test: NDArray[np.bool_]


class OwnFolder:
    """Loads `--data-path DIR`; see `read_layout` for how classes and parts are told apart.

    All images get one shape (see `MedianShape`). Without a folder of test images a fixed fifth of
    each class is the test set. A folder of validation images joins the training images, because
    the study draws its validation part itself.
    """

    def prepare(self, request: DataRequest) -> None:
        """Decode all images and say what is remarkable about them.

        Raises:
            UsageError: No folder was given.
            CorruptDataError: Images cannot be read, and may not be skipped.
            DataError: There are too few images or classes.
        """
        own = _read(request)
        for line in remarks(own.layout, own.labels[~own.test]):
            if request.warn is not None:
                request.warn(line)

    def describe(self, request: DataRequest) -> DatasetFacts:
        """Return the facts of the prepared images; what there is to warn of, `prepare` said."""
        own = _read(replace(request, warn=None))
        channels, height, width = own.pixels.shape[1:]
        return DatasetFacts(
            num_classes=len(own.layout.class_names),
            input_shape=(channels, height, width),
            sizes=(int((~own.test).sum()), int(own.test.sum())),
        )

    def load(self, request: DataRequest) -> ImageData:
        """Read the prepared images."""
        own = _read(request)
        train = int((~own.test).sum())  # slices of what is memory-mapped stay so
        return image_data(
            (own.pixels[:train], own.labels[:train]),
            (own.pixels[train:], own.labels[train:]),
            own.layout.class_names,
        )

    def examples(self, request: DataRequest) -> OwnExamples:
        """List every image below the folder with its class, and its part if there are parts.

        Raises:
            UsageError: No folder was given.
            DataError: It is none, or has no images in class folders.
        """
        path = _folder(request)
        files = list_labelled(path)
        if not files:
            raise DataError(f"{path}: expected class folders of images, found no image in any")
        parts = [file.part for file in files if file.part is not None]
        return OwnExamples(
            inputs=[path / file.name for file in files],
            labels=[file.class_name for file in files],
            parts=parts or None,
        )


def _folder(request: DataRequest) -> Path:
    if request.path is None:
        raise UsageError("dataset 'folder' needs a folder of images: --data-path DIR (data.path)")
    return request.path


def _read(request: DataRequest) -> _OwnImages:
    path = _folder(request)
    layout = read_layout(path)
    check_classes(layout, layout.labels, layout.test)
    files = ImageFiles(path, layout.names, MedianShape(request.image_size))
    images = decoded(files, request.data_dir / DECODED_FOLDER, request.warn)
    used = check_readable(files, images, request)
    labels, test = layout.labels[used], layout.test[used]
    check_classes(layout, labels, test)
    return _OwnImages(layout=layout, pixels=images.usable(), labels=labels, test=test)


def check_classes(layout: FolderLayout, labels: NDArray[np.int64], test: NDArray[np.bool_]) -> None:
    """Check that every class can train and validate, and that something can test.

    Raises:
        DataError: It cannot.
    """
    classes = layout.class_names
    if len(classes) < _PER_CLASS:
        raise DataError(
            f"expected at least two class folders of images, got {len(classes)}: "
            f"{', '.join(classes) or 'none'}"
        )
    counts = np.bincount(labels[~test], minlength=len(classes))
    few = [name for name, count in zip(classes, counts, strict=True) if count < _PER_CLASS]
    if few:
        more = f" and {len(few) - _LISTED} more" if len(few) > _LISTED else ""
        raise DataError(
            f"classes {', '.join(few[:_LISTED])}{more} have fewer than {_PER_CLASS} images to "
            "train and validate with. Add images or remove their folders."
        )
    if not test.any():
        raise DataError(
            f"expected images to test with, got none: {len(labels)} images of {len(classes)} "
            f"classes are too few to set {TEST_SHARE:.0%} of each class apart. Add images, or a "
            "folder 'test' beside a folder 'train'."
        )


def remarks(layout: FolderLayout, train_labels: NDArray[np.int64]) -> list[str]:
    """Return what the user should know of the data, a line each.

    Args:
        layout: The files.
        train_labels: int64 [N], of the images that train and validate.
    """
    lines = []
    if layout.validation_folder is not None:
        lines.append(
            f"the images in '{layout.validation_folder}' join the training images: the study "
            "draws its validation part itself (data.validation_split)"
        )
    if not layout.own_test:
        lines.append(f"no folder 'test': a fixed {TEST_SHARE:.0%} of each class is the test set")
    counts = np.bincount(train_labels, minlength=len(layout.class_names))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] > _IMBALANCE * counts[least]:
        lines.append(
            f"classes are unbalanced: {counts[most]} images of '{layout.class_names[most]}', "
            f"{counts[least]} of '{layout.class_names[least]}'"
        )
    return lines


FOLDER = OwnFolder()
