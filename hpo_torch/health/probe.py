"""The probe: a fixed sample of training examples, shown to the network without a trace."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from hpo_torch.health.metric import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

_HOOK_TABLES = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def make_probe(
    network: nn.Module, inputs: Tensor, labels: Tensor, *, gradient_size: int, epoch: int
) -> Probe:
    """Pair the network with its probe.

    Args:
        network: The network, or its `torch.compile` wrapper, which is taken off.
        inputs: As in training (float32 [P, C, H, W] or int64 [P, T]), stratified in every prefix,
            on the network's device.
        labels: int64 [P], on the same device.
        gradient_size: How many of the first examples serve metrics with a backward pass.
        epoch: Epochs finished, from 1.
    """
    network = getattr(network, "_orig_mod", network)
    return Probe(
        network=network,
        inputs=inputs,
        labels=labels,
        gradient_inputs=inputs[:gradient_size],
        gradient_labels=labels[:gradient_size],
        epoch=epoch,
    )


@contextmanager
def isolated(network: nn.Module, seed: int) -> Iterator[None]:
    """Let the body look at the network without changing what training does next.

    Inside: eval mode, fixed random state, autograd on (even under Lightning's inference mode) and
    autocast off, so that a reading means the same at every training precision. Afterwards, also on
    an error: every submodule's own training flag, the random state of Python, NumPy, torch and the
    network's CUDA devices, and the module hooks are as before. Gradients belong in
    `torch.autograd.grad`, which leaves `.grad` alone.

    Args:
        network: The plain network.
        seed: Of the random state inside.
    """
    modes = [(module, module.training) for module in network.modules()]
    hooks = [
        (table, set(table))
        for module in network.modules()
        for table in (getattr(module, name) for name in _HOOK_TABLES)
    ]
    tensors = (*network.parameters(), *network.buffers())
    device_type = next((tensor.device.type for tensor in tensors), "cpu")
    try:
        with (
            _forked_random_state({t.device for t in tensors if t.is_cuda}, seed),
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(device_type, enabled=False),
        ):
            network.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training
        for table, before in hooks:
            for key in table.keys() - before:
                del table[key]


@contextmanager
def _forked_random_state(cuda_devices: set[torch.device], seed: int) -> Iterator[None]:
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=cuda_devices, device_type="cuda"):
            random.seed(seed)
            np.random.seed(seed)
            # torch.manual_seed would also reseed devices that are not forked.
            torch.default_generator.manual_seed(seed)
            for device in cuda_devices:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
