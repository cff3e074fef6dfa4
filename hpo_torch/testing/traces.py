"""What looking at a network could leave behind: everything of it that training goes on from."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hpo_torch.health.metric import Probe


def tensors_of(network: nn.Module) -> dict[str, Tensor | None]:
    """Return copies of all weights, buffers and gradients by what and whose they are."""
    found: dict[str, Tensor | None] = {}
    for name, parameter in network.named_parameters():
        found[f"weight of {name}"] = parameter.detach().clone()
        found[f"gradient of {name}"] = None if parameter.grad is None else parameter.grad.clone()
    for name, buffer in network.named_buffers():
        found[f"buffer {name}"] = buffer.clone()
    return found


def tensors_of_probe(probe: Probe) -> dict[str, Tensor | None]:
    """Return copies of what the probe shows."""
    found: dict[str, Tensor | None] = {
        "inputs": probe.inputs.clone(),
        "labels": probe.labels.clone(),
    }
    if probe.validation is not None:
        for name in ("confidences", "correct", "inputs", "labels"):
            found[f"validation {name}"] = getattr(probe.validation, name).clone()
    return found


def changed(before: dict[str, Tensor | None], after: dict[str, Tensor | None]) -> list[str]:
    """Return the names of what is no longer bit for bit the same, or came or went."""
    import torch

    def same(one: Tensor | None, other: Tensor | None) -> bool:
        if one is None or other is None:
            return one is other
        if not one.is_floating_point():
            return torch.equal(one, other)
        # Not a number equals itself here: a diverged network is left as it is, too.
        return torch.allclose(one, other, rtol=0.0, atol=0.0, equal_nan=True)

    names = [*before, *(name for name in after if name not in before)]
    return [n for n in names if (n in before) != (n in after) or not same(before[n], after[n])]


def flags_of(network: nn.Module) -> dict[str, bool]:
    """Return the training flag of every module, and whether each parameter is trained."""
    modules = {f"training of {n or 'network'}": m.training for n, m in network.named_modules()}
    return {**modules, **{f"trains {n}": p.requires_grad for n, p in network.named_parameters()}}


def hooks_of(network: nn.Module) -> dict[str, int]:
    """Return how many hooks every module and tensor has, and how many are on all modules."""
    import torch

    tables = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    everywhere = torch.nn.modules.module
    found = {table: len(getattr(everywhere, f"_global{table}")) for table in tables}
    for name, module in network.named_modules():
        found |= {f"{name}{table}": len(getattr(module, table)) for table in tables}
        found[f"{name} forward replaced"] = int("forward" in vars(module))
    for name, parameter in network.named_parameters():
        found[f"hooks of {name}"] = len(parameter._backward_hooks or ())
    return found


def settings_now() -> dict[str, Any]:
    """Return torch's settings that a metric could leave changed."""
    import torch

    return {
        "grad enabled": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "default dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "cuDNN": torch.backends.cudnn.enabled,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def random_state_now() -> tuple[Any, ...]:
    """Return the random state of Python, NumPy and torch, in a form that can be compared."""
    import numpy as np
    import torch

    legacy: Any = np.random.get_state()
    _, key, *rest = legacy
    return random.getstate(), (key.tobytes(), *rest), torch.get_rng_state().tolist()
