"""The hyperparameters of convolutional networks for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from hpo_torch.config.schema import ForcedActivation
from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.cnn_shapes import misfit
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.space import Constraint, Parameter, SearchSpace, When

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.search.domains import Value

_ACTIVATIONS: tuple[str, ...] = get_args(ForcedActivation)
_BOOL = Choice((True, False))
_LARGE_SET = 10_000
_DEFAULT_EPOCHS = 10
_SMALLEST_SIDE = 2
_DEEPER = When("hidden_layers", (2, 3, 4))


def cnn_space(
    input_shape: tuple[int, ...], train_size: int, min_epochs: int, max_epochs: int
) -> SearchSpace:
    """Return the search space of CNNs for one data set.

    Args:
        input_shape: (channels, height, width) of an image.
        train_size: Number of training examples; large sets get larger batches.
        min_epochs: Lower end of the searched number of epochs.
        max_epochs: Upper end.

    Raises:
        InvalidValueError: `input_shape` is no image of at least 2x2 pixels.
    """
    if len(input_shape) != len("CHW") or min(input_shape[1:]) < _SMALLEST_SIDE:
        expected = "(channels, height, width) with at least 2x2 pixels"
        raise InvalidValueError("input_shape", expected, input_shape)
    _, height, width = input_shape

    def violation(values: Mapping[str, Any]) -> str | None:
        return misfit(height, width, **values)

    return SearchSpace(
        family="cnn",
        parameters=(
            *_convolutions(),
            *_hidden_layers(),
            *_optimisation(),
            *_schedule(train_size, min_epochs, max_epochs),
        ),
        constraint=Constraint(("conv_layers", "kernel_size", "padding", "pool_size"), violation),
    )


def activation_override(name: str) -> dict[str, Value]:
    """Return the fixed values that put one activation everywhere in the network.

    Raises:
        UnknownNameError: There is no such activation.
    """
    if name not in _ACTIVATIONS:
        raise UnknownNameError("activation", name, _ACTIVATIONS)
    return {"activation": name, "hidden_activation": name}


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
            Choice((16, 32, 64, 128, 256)),
            32,
            "Filters of every convolution.",
            allowed=Int(1, 1024),
        ),
        Parameter("kernel_size", Choice((3, 5)), 3, "Side of the convolutions' square kernels."),
        Parameter(
            "activation",
            Choice(("relu", "leaky_relu", "swish")),
            "relu",
            "Activation after every convolution.",
            allowed=Choice(_ACTIVATIONS),
        ),
        Parameter(
            "initializer",
            Choice(("he_normal", "glorot_uniform")),
            "he_normal",
            "Distribution of all initial weights, scaled to the activation that follows.",
        ),
        Parameter("batch_norm", _BOOL, True, "Batch normalisation after every activation."),
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
    )


def _hidden_layers() -> tuple[Parameter, ...]:
    return (
        Parameter("hidden_layers", Int(1, 4), 1, "Fully connected layers before the output."),
        Parameter(
            "hidden_units",
            Choice((64, 128, 256, 512, 1024)),
            128,
            "Units of the first hidden layer.",
            allowed=Int(1, 4096),
        ),
        Parameter(
            "hidden_decrease",
            Float(0.25, 0.75),
            0.5,
            "Each further hidden layer's width as a share of the one before, at least 8 units.",
            allowed=Float(0.01, 1.0),
            when=_DEEPER,
        ),
        Parameter(
            "hidden_activation",
            Choice(("relu", "leaky_relu", "sigmoid")),
            "relu",
            "Activation of the hidden layers.",
            allowed=Choice((*_ACTIVATIONS, "sigmoid")),
        ),
        Parameter(
            "dropout",
            Float(0.0, 0.7),
            0.3,
            "Dropout after the first hidden layer; from 0, since batch normalisation and weight "
            "decay may regularise enough.",
            allowed=Float(0.0, 0.95),
        ),
        Parameter(
            "dropout_decrease",
            Float(0.1, 0.3),
            0.2,
            "Taken off dropout at each further hidden layer, down to 0.1.",
            allowed=Float(0.0, 1.0),
            when=_DEEPER,
        ),
    )


def _optimisation() -> tuple[Parameter, ...]:
    return (
        Parameter(
            "optimizer",
            Choice(("adam", "adamw", "rmsprop", "sgd")),
            "adamw",
            "How gradients become steps.",
        ),
        Parameter(
            "momentum",
            Float(0.8, 0.99),
            0.9,
            "Nesterov momentum of SGD.",
            allowed=Float(0.0, 0.999),
            when=When("optimizer", ("sgd",)),
        ),
        Parameter(
            "learning_rate",
            Float(1e-4, 3e-2, log=True),
            1e-3,
            "Size of the steps; the upper end is for SGD, which needs longer ones than Adam.",
            allowed=Float(1e-7, 10.0),
        ),
        Parameter(
            "weight_decay",
            Float(1e-6, 1e-2, log=True),
            1e-4,
            "Pull of weights (not biases, not normalisation) towards zero.",
            allowed=Float(0.0, 1.0),
        ),
        Parameter("clip_gradients", _BOOL, False, "Whether long gradients are shortened."),
        Parameter(
            "gradient_clip_norm",
            Float(0.5, 2.0),
            1.0,
            "Longest gradient, Euclidean norm over all weights.",
            allowed=Float(1e-3, 1e3),
            when=When("clip_gradients", (True,)),
        ),
    )


def _schedule(train_size: int, min_epochs: int, max_epochs: int) -> tuple[Parameter, ...]:
    large = train_size >= _LARGE_SET
    return (
        Parameter(
            "batch_size",
            Choice((64, 128, 256, 512) if large else (16, 32, 64, 128)),
            128 if large else 32,
            "Examples a step; larger ones are searched from 10,000 training examples on.",
            allowed=Int(1, 65_536),
        ),
        Parameter(
            "epochs",
            Int(min_epochs, max_epochs),
            max(min_epochs, min(max_epochs, _DEFAULT_EPOCHS)),
            "Passes over the training set, unless training stops early.",
            allowed=Int(1, 100_000),
        ),
    )
