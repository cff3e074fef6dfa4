"""Whether what a data set's loader returned keeps its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hpo_torch.errors import PluginError

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.data.spec import ImageData, TextData


def check_image_data(name: str, data: ImageData) -> None:
    """Check shapes, types and label range, so that mistakes don't surface deep in a trial.

    Args:
        name: The data set, for the message.
        data: What its loader returned.

    Raises:
        PluginError: Something is not as `ImageData` says.
    """
    for part, images, labels in (
        ("train", data.train_images, data.train_labels),
        ("test", data.test_images, data.test_labels),
    ):
        has_axes = images.ndim == len("NCHW")
        _expect(name, f"{part}_images", "uint8 [N, C, H, W]", images, has_axes)
        if part == "test" and _is_withheld(name, data, len(images)):
            continue
        _check_labels(name, f"{part}_labels", labels, len(images), len(data.class_names))
    shapes = data.train_images.shape[1:], data.test_images.shape[1:]
    if shapes[0] != shapes[1]:
        raise PluginError(
            f"dataset '{name}': expected training and test images of one shape, got "
            f"{tuple(shapes[0])} and {tuple(shapes[1])}"
        )
    _check_groups(name, data)


def check_text_data(name: str, data: TextData) -> None:
    """Check texts, types and label range; arguments and errors as of `check_image_data`."""
    for part, texts, labels in (
        ("train", data.train_texts, data.train_labels),
        ("test", data.test_texts, data.test_labels),
    ):
        others = {type(text).__name__ for text in texts} - {"str"}
        if others:
            raise PluginError(
                f"dataset '{name}': {part}_texts: expected str, got {', '.join(sorted(others))}"
            )
        if part == "test" and _is_withheld(name, data, len(texts)):
            continue
        _check_labels(name, f"{part}_labels", labels, len(texts), len(data.class_names))
    _check_groups(name, data)


def _is_withheld(name: str, data: ImageData | TextData, examples: int) -> bool:
    """Return whether there is no test part on purpose."""
    if data.test_withheld and (examples or len(data.test_labels)):
        raise PluginError(
            f"dataset '{name}': expected no test part where it is withheld, got {examples} "
            f"examples and {len(data.test_labels)} labels"
        )
    return data.test_withheld


def _check_groups(name: str, data: ImageData | TextData) -> None:
    if data.groups is not None:
        fits = data.groups.shape == data.train_labels.shape
        _expect(name, "groups", f"int64 [{len(data.train_labels)}]", data.groups, fits)


def _check_labels(name: str, field: str, labels: Tensor, count: int, classes: int) -> None:
    _expect(name, field, f"int64 [{count}]", labels, labels.shape == (count,))
    if count == 0:
        raise PluginError(f"dataset '{name}': {field}: expected at least one example, got none")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= classes:
        raise PluginError(
            f"dataset '{name}': {field}: expected 0..{classes - 1} ({classes} class names), "
            f"got {lowest}..{highest}"
        )


def _expect(name: str, field: str, expected: str, tensor: Tensor, shape_fits: bool) -> None:
    dtype = torch.uint8 if expected.startswith("uint8") else torch.int64
    if not shape_fits or tensor.dtype != dtype:
        given = f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
        raise PluginError(f"dataset '{name}': {field}: expected {expected}, got {given}")
