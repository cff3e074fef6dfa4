"""The hyperparameters of convolutional networks for images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.errors import InvalidValueError
from hpo_torch.search.augmentation_space import augmentation
from hpo_torch.search.cnn_shapes import misfit
from hpo_torch.search.domains import Choice, Int
from hpo_torch.search.hidden_layers import FORCEABLE, INITIALIZER, hidden_layers
from hpo_torch.search.optimisation import optimisation, schedule
from hpo_torch.search.space import Constraint, Parameter, SearchSpace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.search.domains import Value

_BOOL = Choice((True, False))
_SMALLEST_SIDE = 2
_COLOURS = 3
# Photographs vary more than drawings on one ground (light, distance, angle), so their good default
# is a larger network that sees them changed, and for longer. Chosen on GTSRB, with an eye on what
# two cores can train in an hour (docs/performance.md).
_PHOTOGRAPHS: Final[Mapping[str, Value]] = {
    "standardize": True,
    "conv_layers": 3,
    "filters": 64,
    "kernel_size": 5,
    "multi_scale": True,
    "hidden_units": 256,
    "dropout": 0.5,
    "learning_rate": 4e-3,
    "weight_decay": 1e-2,
    "label_smoothing": 0.1,
    "schedule": "one_cycle",
    "augment_shift": 2,
    "augment_affine": 0.25,
}
# Of things that may be mirrored the colour tells more than of signs, where it follows from shape.
_SIGNS: Final[Mapping[str, Value]] = {"augment_channels": 0.5}


def cnn_space(
    input_shape: tuple[int, ...],
    train_size: int,
    min_epochs: int,
    max_epochs: int,
    flips: bool = False,
) -> SearchSpace:
    """Return the search space of CNNs for one data set.

    Args:
        input_shape: (channels, height, width) of an image.
        train_size: Number of training examples; large sets get larger batches.
        min_epochs: Lower end of the searched number of epochs.
        max_epochs: Upper end.
        flips: Whether a mirrored image keeps its class, so that training may mirror images.

    Raises:
        InvalidValueError: `input_shape` is no image of at least 2x2 pixels.
    """
    if len(input_shape) != len("CHW") or min(input_shape[1:]) < _SMALLEST_SIDE:
        expected = "(channels, height, width) with at least 2x2 pixels"
        raise InvalidValueError("input_shape", expected, input_shape)
    channels, height, width = input_shape

    def violation(values: Mapping[str, Any]) -> str | None:
        return misfit(height, width, **values)

    parameters = (
        *_inputs(colours=channels == _COLOURS),
        *_convolutions(),
        *_after_convolutions(),
        *hidden_layers(most=4, widths=(64, 128, 256, 512, 1024)),
        *optimisation(),
        *schedule(train_size, min_epochs, max_epochs),
        *augmentation(min(height, width), flips=flips, colours=channels == _COLOURS),
    )
    if channels == _COLOURS:
        longest = {"epochs": max_epochs, "augment_flip": flips}
        kind = {} if flips else _SIGNS
        parameters = _with_defaults(parameters, {**_PHOTOGRAPHS, **kind, **longest})
    return SearchSpace(
        family="cnn",
        parameters=parameters,
        constraint=Constraint(("conv_layers", "kernel_size", "padding", "pool_size"), violation),
    )


def _with_defaults(
    parameters: tuple[Parameter, ...], defaults: Mapping[str, Value]
) -> tuple[Parameter, ...]:
    return tuple(
        replace(parameter, default=defaults[parameter.name])
        if parameter.name in defaults
        else parameter
        for parameter in parameters
    )


def _inputs(*, colours: bool) -> tuple[Parameter, ...]:
    return (
        Parameter(
            "grayscale",
            _BOOL if colours else Choice((False,)),
            False,
            "Look at the mean of the colour channels only: fewer values, nothing to be misled by.",
            reason="" if colours else "Images of one channel have no colours.",
        ),
        Parameter(
            "standardize",
            _BOOL,
            False,
            "Give every channel of every image mean 0 and variance 1, so that the light's strength "
            "and colour, and the contrast, do not matter.",
        ),
    )


def _convolutions() -> tuple[Parameter, ...]:
    return (
        Parameter(
            "conv_layers",
            Int(1, 4),
            2,
            "Blocks of convolution, activation and pooling; as deep as the image allows.",
        ),
        Parameter(
            "filters",
            Choice((16, 32, 64, 96, 128, 256)),
            32,
            "Filters of the last convolution; without growth, of every one.",
            allowed=Int(1, 1024),
        ),
        Parameter(
            "filter_growth",
            Choice((1, 2)),
            1,
            "Filters of each convolution as a multiple of those of the one before, where the image "
            "is larger.",
            allowed=Int(1, 8),
        ),
        Parameter("kernel_size", Choice((3, 5)), 3, "Side of the convolutions' square kernels."),
        Parameter(
            "activation",
            Choice(("relu", "leaky_relu", "swish")),
            "relu",
            "Activation after every convolution.",
            allowed=Choice(FORCEABLE),
        ),
        INITIALIZER,
    )


def _after_convolutions() -> tuple[Parameter, ...]:
    return (
        Parameter("batch_norm", _BOOL, True, "Batch normalisation after every pooling."),
        Parameter(
            "padding",
            Choice(("same", "valid")),
            "same",
            "same: convolutions keep the image's size; valid: they lose its border.",
        ),
        Parameter("pool_size", Choice((2, 3)), 2, "Side and stride of every max pooling."),
        Parameter(
            "global_pooling",
            _BOOL,
            False,
            "Average each feature map to one number; otherwise flatten them all.",
        ),
        Parameter(
            "multi_scale",
            _BOOL,
            False,
            "Classify by the features of every block, small and large; otherwise by the last's.",
        ),
    )
