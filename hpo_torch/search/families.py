"""The model families: what each learns, and what is searched of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.hidden_layers import FORCEABLE
from hpo_torch.search.lstm_space import lstm_space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpo_torch.search.domains import Value
    from hpo_torch.search.space import SearchSpace


@dataclass(frozen=True, slots=True)
class Family:
    """One model family.

    Attributes:
        kind: What its examples are: "image" or "text".
        space: Its search space, given the arguments of `search_space` after the family.
        activations: The hyperparameters that choose an activation.
    """

    kind: str
    space: Callable[[tuple[int, ...], int, int, int, bool], SearchSpace]
    activations: tuple[str, ...]


FAMILIES: Final[Mapping[str, Family]] = {
    "cnn": Family("image", cnn_space, ("activation", "hidden_activation")),
    "lstm": Family(
        "text",
        lambda _shape, train_size, least, most, _flips: lstm_space(train_size, least, most),
        ("hidden_activation",),
    ),
}


def family_for(kind: str, wanted: str | None = None) -> str:
    """Return the model family that learns a kind of input.

    Args:
        kind: "image" or "text".
        wanted: The family that was asked for (`search.family`); None takes the first that fits.

    Raises:
        UnknownNameError: There is no such family.
        InvalidValueError: It cannot learn this kind of input, or none can.
    """
    fitting = [name for name, family in FAMILIES.items() if family.kind == kind]
    if wanted is None and fitting:
        return fitting[0]
    if wanted is None:
        learnable = " or ".join(sorted({family.kind for family in FAMILIES.values()}))
        raise InvalidValueError("data set", f"one whose examples are of kind {learnable}", kind)
    learns = _family(wanted).kind
    if wanted not in fitting:
        raise InvalidValueError(
            "search.family",
            f"a family that learns from a data set of kind {kind} ({' or '.join(fitting)})",
            wanted,
            f"Family '{wanted}' learns kind {learns}. Leave the family out, or choose another "
            "data set.",
        )
    return wanted


def activation_override(family: str, name: str) -> dict[str, Value]:
    """Return the fixed values that put one activation everywhere that a family has a choice.

    An LSTM's gates have none: there, it is the hidden layers'.

    Raises:
        UnknownNameError: There is no such family or activation.
    """
    if name not in FORCEABLE:
        raise UnknownNameError("activation", name, FORCEABLE)
    return dict.fromkeys(_family(family).activations, name)


def search_space(
    family: str,
    input_shape: tuple[int, ...],
    train_size: int,
    min_epochs: int,
    max_epochs: int,
    flips: bool = False,
) -> SearchSpace:
    """Return the search space of `family` for one data set; arguments as of `cnn_space`.

    Raises:
        UnknownNameError: There is no such family.
    """
    return _family(family).space(input_shape, train_size, min_epochs, max_epochs, flips)


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise UnknownNameError("model family", name, FAMILIES)
    return FAMILIES[name]
