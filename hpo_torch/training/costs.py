"""What a network costs: memory of one training step, time to classify one example."""

from __future__ import annotations

import copy
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from hpo_torch.models.size import count_parameters, weight_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

INFERENCE_BATCH = 32
INFERENCE_REPEATS = 7


def saved_activation_bytes(network: nn.Module, inputs: Tensor, labels: Tensor) -> int:
    """Measure the bytes that one training forward pass keeps for its backward pass.

    Unique storages seen by `torch.autograd.graph.saved_tensors_hooks`, less the parameters'.
    A copy of the network runs, so neither buffers nor random state of the real one move.
    """
    model = copy.deepcopy(network).train()
    parameters = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    storages: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: Tensor) -> None:
        # Kept, so that no address is reused; without the tensor, which would keep the graph that
        # keeps it: such a circle through C++ is never collected. Nothing runs backward.
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage

    devices = [inputs.device] if inputs.device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices),
        torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed),
    ):
        functional.cross_entropy(model(inputs), labels)
    return sum(
        storage.nbytes() for address, storage in storages.items() if address not in parameters
    )


def step_memory_bytes(
    network: nn.Module, hyperparameters: Mapping[str, Any], inputs: Tensor, labels: Tensor
) -> int:
    """Estimate the peak bytes of one training step: weights, gradients, moments, activations."""
    weights = weight_memory(count_parameters(network), hyperparameters["optimizer"])
    return weights + saved_activation_bytes(network, inputs, labels)


def inference_seconds(network: nn.Module, inputs: Tensor) -> float:
    """Measure the median seconds to classify one example, in batches of up to 32, eval mode."""
    batch = inputs[:INFERENCE_BATCH]
    was_training = network.training
    network.eval()
    times = []
    with torch.inference_mode():
        for _ in range(INFERENCE_REPEATS):
            started = time.perf_counter()
            network(batch)
            if batch.device.type == "cuda":
                torch.cuda.synchronize(batch.device)
            times.append(time.perf_counter() - started)
    network.train(was_training)
    return statistics.median(times[2:]) / len(batch)  # the first two warm caches up
