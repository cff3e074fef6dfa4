"""Gradient noise scale: from which batch size on larger batches stop helping."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.recurrent_units import without_cudnn

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

SMALL_BATCHES = 4


def squared_norms(
    network: nn.Module, inputs: Tensor, labels: Tensor, batches: int = SMALL_BATCHES
) -> tuple[float, float, int]:
    """Return mean |G_small|^2 over equal small batches, |G_big|^2 of all of them, and B_small.

    Examples go to batches by torch's random state: neighbours of a stratified sample are more alike
    than random ones, which would hide noise. What does not divide is left out.

    Args:
        network: In eval mode; its `.grad` is not touched.
        inputs: What the network takes, [P, ...], P at least `batches`.
        labels: int64 [P].
        batches: Number of small batches.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    size = len(inputs) // batches
    order = torch.randperm(len(inputs))[: size * batches].to(inputs.device)
    total = [torch.zeros_like(p) for p in parameters]
    small = inputs.new_zeros((), dtype=torch.float32)
    with without_cudnn(network):
        for chosen in torch.split(order, size):
            loss = nn.functional.cross_entropy(network(inputs[chosen]), labels[chosen])
            found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
            small = small + nn.utils.get_total_norm(found).square() / batches
            torch._foreach_add_(total, found)
    big = nn.utils.get_total_norm(total).square() / batches**2
    both: list[float] = torch.stack((small, big)).tolist()
    return both[0], both[1], size


def noise_and_signal(
    small: float, big: float, small_size: int, big_size: int
) -> tuple[float, float]:
    """Return tr(Sigma) and |G|^2, both without bias (McCandlish et al. 2018, appendix A.1).

    |G|^2 = (B |G_B|^2 - b |G_b|^2) / (B - b) and tr(Sigma) = (|G_b|^2 - |G_B|^2) / (1/b - 1/B);
    either may come out below 0.

    Args:
        small: |G_b|^2, averaged.
        big: |G_B|^2.
        small_size: b.
        big_size: B, above b.
    """
    noise = (small - big) / (1.0 / small_size - 1.0 / big_size)
    signal = (big_size * big - small_size * small) / (big_size - small_size)
    return noise, signal


class GradientNoiseScale:
    """B_simple = tr(Sigma) / |G|^2 in examples, in the details; there is no value.

    It rises as the loss falls, and says how large batches can usefully be, not how healthy a
    network is. Both parts are averaged over epochs before they are divided: the mean of unbiased
    parts is unbiased, that of ratios is not.
    """

    def observe(self, probe: Probe) -> dict[str, float] | None:
        """Compare small and large batches: one forward and backward pass of the gradient probe."""
        inputs, labels = probe.gradient_inputs, probe.gradient_labels
        if len(inputs) < SMALL_BATCHES or not any(
            parameter.requires_grad for parameter in probe.network.parameters()
        ):
            return None
        small, big, size = squared_norms(probe.network, inputs, labels)
        if not (math.isfinite(small) and math.isfinite(big)):
            return None
        noise, signal = noise_and_signal(small, big, size, size * SMALL_BATCHES)
        return {"noise": noise, "signal": signal}

    def score(self, record: TrainingRecord) -> HealthReading:
        """Give the size, and no score."""
        seen = [observed for observed in record.observations if observed is not None]
        if not seen:
            return HealthReading(
                reason=f"no finite gradient of at least {SMALL_BATCHES} probe examples"
            )
        noise = sum(observed["noise"] for observed in seen) / len(seen)
        signal = sum(observed["signal"] for observed in seen) / len(seen)
        measured = noise > 0.0 and signal > 0.0
        details = {
            "noise_scale": noise / signal if measured else None,
            "noise": noise,
            "signal": signal,
            "epochs": len(seen),
        }
        reason = "a batch size, not a score: see the details"
        return HealthReading(reason=reason, applies=False, details=details)
