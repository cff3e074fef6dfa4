"""What all contenders of search_efficiency.py search, as plain data.

The form is that of hpo-torch's `search.space`: options, or both ends of a range, of whole numbers
where both are. Hyperparameters that only hpo-torch has are fixed at what a usual script does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SEARCHED: Final[Mapping[str, Mapping[str, Any]]] = {
    "conv_layers": {"low": 1, "high": 3},
    "filters": {"choices": [16, 32, 64]},
    "kernel_size": {"choices": [3, 5]},
    "hidden_units": {"choices": [64, 128, 256]},
    "dropout": {"low": 0.0, "high": 0.6},
    "learning_rate": {"low": 1e-4, "high": 3e-2, "log": True},
    "batch_size": {"choices": [64, 128, 256]},
    "optimizer": {"choices": ["adam", "rmsprop", "sgd"]},
}
"""Each block is convolution (as many filters in all), ReLU, pooling by 2, batch normalisation; then
come one hidden layer with ReLU, dropout, and the output. Without weight decay."""

MOMENTUM: Final = 0.9
"""Nesterov momentum of sgd."""

FIXED: Final[Mapping[str, Any]] = {
    "grayscale": False,
    "standardize": False,
    "filter_growth": 1,
    "activation": "relu",
    "initializer": "he_normal",
    "batch_norm": True,
    "padding": "same",
    "pool_size": 2,
    "global_pooling": False,
    "multi_scale": False,
    "hidden_layers": 1,
    "hidden_activation": "relu",
    "momentum": MOMENTUM,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "clip_gradients": False,
    "schedule": "constant",
    "augment_flip": False,
    "augment_shift": 0,
    "augment_crop": 0.0,
    "augment_affine": 0.0,
    "augment_cutout": 0.0,
    "augment_colour": 0.0,
    "augment_channels": 0.0,
}
"""Of hpo-torch; the others have none of these."""


def is_whole(domain: Mapping[str, Any]) -> bool:
    """Whether a range is one of whole numbers."""
    return isinstance(domain["low"], int) and isinstance(domain["high"], int)
