"""What a network costs: memory of one training step, time to classify one example."""

from __future__ import annotations

import copy
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from hpo_torch.models.size import count_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

# Extra copies of the weights that each optimiser keeps (moments, momentum).
OPTIMIZER_COPIES: Mapping[str, int] = {"adam": 2, "adamw": 2, "rmsprop": 1, "sgd": 1}
BYTES_PER_WEIGHT = 4
INFERENCE_BATCH = 32
INFERENCE_REPEATS = 7


def saved_activation_bytes(network: nn.Module, inputs: Tensor, labels: Tensor) -> int:
    """Measure the bytes that one training forward pass keeps for its backward pass.

    Unique storages seen by `torch.autograd.graph.saved_tensors_hooks`, less the parameters'.
    A copy of the network runs, so neither buffers nor random state of the real one move.
    """
    model = copy.deepcopy(network).train()
    parameters = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    storages: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor  # kept, so no address is reused
        return tensor

    devices = [inputs.device] if inputs.device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices),
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
    ):
        functional.cross_entropy(model(inputs), labels)
    return sum(
        tensor.untyped_storage().nbytes()
        for address, tensor in storages.items()
        if address not in parameters
    )


def step_memory_bytes(
    network: nn.Module, hyperparameters: Mapping[str, Any], inputs: Tensor, labels: Tensor
) -> int:
    """Estimate the peak bytes of one training step: weights, gradients, moments, activations."""
    copies = 2 + OPTIMIZER_COPIES[hyperparameters["optimizer"]]
    weights = count_parameters(network) * BYTES_PER_WEIGHT * copies
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
