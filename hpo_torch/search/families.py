"""The search space of each model family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.cnn_space import cnn_space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpo_torch.search.space import SearchSpace

_SPACES: Final[Mapping[str, Callable[[tuple[int, ...], int, int, int], SearchSpace]]] = {
    "cnn": cnn_space,
}

_FAMILY_OF: Final[Mapping[str, str]] = {"image": "cnn"}


def family_for(kind: str) -> str:
    """Return the model family that learns a kind of input ("image").

    Raises:
        InvalidValueError: No family does yet.
    """
    if kind not in _FAMILY_OF:
        learnable = " or ".join(_FAMILY_OF)
        raise InvalidValueError("data set", f"one whose examples are of kind {learnable}", kind)
    return _FAMILY_OF[kind]


def search_space(
    family: str, input_shape: tuple[int, ...], train_size: int, min_epochs: int, max_epochs: int
) -> SearchSpace:
    """Return the search space of `family` for one data set; arguments as of `cnn_space`.

    Raises:
        UnknownNameError: There is no such family.
    """
    if family not in _SPACES:
        raise UnknownNameError("model family", family, _SPACES)
    return _SPACES[family](input_shape, train_size, min_epochs, max_epochs)
