"""From a model family's name and its hyperparameters to a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hpo_torch.errors import UnknownNameError
from hpo_torch.models.cnn import build_cnn
from hpo_torch.models.lstm import build_lstm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

_BUILDERS: Final[Mapping[str, Callable[[Mapping[str, Any], tuple[int, ...], int], nn.Module]]] = {
    "cnn": build_cnn,
    "lstm": build_lstm,
}


def build_network(
    family: str,
    hyperparameters: Mapping[str, Any],
    input_shape: tuple[int, ...],
    num_classes: int,
) -> nn.Module:
    """Build a network, its weights drawn from torch's global generator.

    Args:
        family: Model family: "cnn" or "lstm".
        hyperparameters: A complete configuration of the family's search space.
        input_shape: (channels, height, width) of an image; (D,) of a text, one of D distinct tokens
            after the other.
        num_classes: Number of outputs.

    Returns:
        A module from a batch of examples to logits [N, num_classes], made of nn modules only, so
        that health metrics can hook every activation.

    Raises:
        UnknownNameError: There is no such family.
    """
    if family not in _BUILDERS:
        raise UnknownNameError("model family", family, _BUILDERS)
    return _BUILDERS[family](hyperparameters, input_shape, num_classes)
