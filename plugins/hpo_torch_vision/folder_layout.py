"""Which of the user's image files is of which class, and which are the test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import DataError, DataNotFoundError, list_images
from hpo_torch_vision.holdout import fixed_test_part

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLayout:
    """Labelled files, those that train first, then those of the test set.

    Attributes:
        names: Paths from the folder, with "/".
        labels: int64 [N].
        test: bool [N]: the test set.
        class_names: Names of the class folders, in order.
        own_test: Whether the user set the test set apart; else it is a fixed fifth of each class.
        validation_folder: Name of the user's folder of validation images, which train here.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    test: NDArray[np.bool_]
    class_names: tuple[str, ...]
    own_test: bool
    validation_folder: str | None


def read_layout(root: Path) -> FolderLayout:
    """Find the images below `root`.

    Either root/CLASS/..., or root/PART/CLASS/... where every folder in `root` is a part: train
    (training), val (valid, validation) or test (testing), in small or capital letters.

    Raises:
        DataNotFoundError: There is no such folder.
        DataError: It has fewer than two class folders, a part of them but no train, one part
            twice, or a class only in the test set.
    """
    parts = _parts_of(root)
    if parts:
        return _read_parts(root, parts)
    classes = visible_folders(root)
    return _layout(classes, _of_classes(root, "", classes), None, None)


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image file of the user's.

    Attributes:
        name: Its path from the folder, with "/".
        class_name: Name of its class folder.
        part: train, validation or test; None where the folder is not divided.
    """

    name: str
    class_name: str
    part: str | None


def list_labelled(root: Path) -> list[LabelledFile]:
    """List all images below `root`, found as by `read_layout`, whatever there is of them.

    Raises:
        DataNotFoundError: There is no such folder.
    """
    parts = _parts_of(root)
    places = [(f"{name}/", part) for name, part in parts.items()] if parts else [("", None)]
    return [
        LabelledFile(f"{prefix}{class_name}/{name}", class_name, part)
        for prefix, part in places
        for class_name in visible_folders(root / prefix)
        for name in list_images(root / prefix / class_name)
    ]


def _parts_of(root: Path) -> dict[str, str]:
    """Return which part each folder in `root` is; nothing unless all of them are parts."""
    if not root.is_dir():
        raise DataNotFoundError(f"expected a folder of images, {root} is none (--data-path)")
    folders = visible_folders(root)
    parts = {name: _PARTS[name.lower()] for name in folders if name.lower() in _PARTS}
    return parts if len(parts) == len(folders) else {}


def visible_folders(folder: Path) -> list[str]:
    """Return the names of the folders in `folder` that are not hidden, in order."""
    return sorted(
        each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )


def _read_parts(root: Path, parts: dict[str, str]) -> FolderLayout:
    if sorted(set(parts.values())) != sorted(parts.values()) or "train" not in parts.values():
        raise DataError(
            f"{root}: expected one folder 'train', and at most one of validation and of test "
            f"images beside it, got {', '.join(parts)}"
        )
    by_part = {part: name for name, part in parts.items()}
    classes = visible_folders(root / by_part["train"])
    for name in parts:
        unknown = set(visible_folders(root / name)) - set(classes)
        if unknown:
            raise DataError(
                f"{root / name}: classes {', '.join(sorted(unknown))} are not in "
                f"{root / by_part['train']}. Add them there or remove them here."
            )
    used = [name for name in (by_part["train"], by_part.get("validation")) if name is not None]
    train = [pair for name in used for pair in _of_classes(root, f"{name}/", classes)]
    test = by_part.get("test")
    of_test = None if test is None else _of_classes(root, f"{test}/", classes)
    return _layout(classes, train, of_test, by_part.get("validation"))


def _of_classes(root: Path, prefix: str, classes: list[str]) -> list[tuple[str, int]]:
    """Return (path from `root`, label) of the images in root/prefix/CLASS."""
    return [
        (f"{prefix}{class_name}/{name}", label)
        for label, class_name in enumerate(classes)
        for name in list_images(root / prefix / class_name)
    ]


def _layout(
    classes: list[str],
    train: list[tuple[str, int]],
    test: list[tuple[str, int]] | None,
    validation_folder: str | None,
) -> FolderLayout:
    labelled = [*train, *(test or [])]
    labels = np.array([label for _, label in labelled], dtype=np.int64)
    is_test = fixed_test_part(labels) if test is None else np.arange(len(labels)) >= len(train)
    order = np.argsort(is_test, kind="stable")
    return FolderLayout(
        names=tuple(labelled[position][0] for position in order),
        labels=labels[order],
        test=is_test[order],
        class_names=tuple(classes),
        own_test=test is not None,
        validation_folder=validation_folder,
    )
