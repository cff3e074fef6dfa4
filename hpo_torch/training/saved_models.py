"""What is in a model.ckpt, without building its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hpo_torch.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def class_names(path: Path) -> list[str]:
    """Return the classes' names, in the order of the network's outputs.

    Raises:
        OutputError: The file is no checkpoint of a classifier.
    """
    return list(_read(path)["hyper_parameters"]["class_names"])


def same_weights(one: Path, other: Path) -> bool:
    """Whether two checkpoints hold the same tensors, bit for bit.

    Raises:
        OutputError: One of them is no checkpoint.
    """
    first, second = _read(one)["state_dict"], _read(other)["state_dict"]
    return first.keys() == second.keys() and all(
        tensor.dtype == second[name].dtype and torch.equal(tensor, second[name])
        for name, tensor in first.items()
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the bytes make of it
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OutputError(f"{path} is no checkpoint that can be read: {reason}") from error
    return content
