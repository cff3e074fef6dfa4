"""Every random generator of a process: set from a trial's seed, kept, and put back."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators (CUDA's included)."""
    random.seed(seed)
    np.random.seed(seed)  # third-party code may still draw from the global one
    torch.manual_seed(seed)


def random_states(device: torch.device) -> dict[str, Any]:
    """Return where the global generators are; plain values and tensors on the CPU only.

    Args:
        device: Where a trial trains; other accelerators' generators are left out.
    """
    numpy_state: Any = np.random.get_state()
    name, keys, *rest = numpy_state
    version, words, gauss = random.getstate()
    # The long ones as tensors: torch.save takes a microsecond for every number of a tuple.
    states: dict[str, Any] = {
        "python": (version, torch.tensor(words), gauss),
        "numpy": (name, torch.as_tensor(keys.astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
    }
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def restore_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Put the global generators where `random_states` found them.

    That of an accelerator starts anew where the states come from another kind of device.
    """
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if device.type in states and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[device.type])
