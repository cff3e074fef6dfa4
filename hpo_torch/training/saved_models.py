"""What is in a model.ckpt; read without running any code that a file may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hpo_torch import __version__
from hpo_torch.errors import HpoTorchError, OutputError
from hpo_torch.training.lightning_module import Classifier

if TYPE_CHECKING:
    from pathlib import Path


def class_names(path: Path) -> list[str]:
    """Return the classes' names, in the order of the network's outputs.

    Raises:
        OutputError: The file is no checkpoint of a classifier.
    """
    return list(_read(path)["hyper_parameters"]["class_names"])


def input_spec(path: Path) -> dict[str, Any]:
    """Return what turns raw examples into the network's inputs: `PreparedData.input_spec`.

    Raises:
        OutputError: The file is no checkpoint of a classifier.
    """
    return dict(_read(path)["hyper_parameters"]["input_spec"])


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


def load_classifier(path: Path, device: torch.device) -> Classifier:
    """Build the classifier that a checkpoint describes, with its weights, on a device.

    Raises:
        OutputError: The file is no checkpoint of a classifier.
    """
    content = _read(path)
    try:
        classifier = Classifier(**content["hyper_parameters"])
        classifier.load_state_dict(content["state_dict"])
    except (KeyError, TypeError, RuntimeError, HpoTorchError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        reason = f"it has no {said}" if isinstance(error, KeyError) else said
        raise OutputError(
            f"{path} is no checkpoint of a classifier of hpo-torch {__version__}: {reason}"
        ) from error
    return classifier.to(device)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the bytes make of it
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OutputError(f"{path} is no checkpoint that can be read: {reason}") from error
    return content
