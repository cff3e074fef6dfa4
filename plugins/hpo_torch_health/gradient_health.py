"""Gradient health: does the training signal reach every layer, and stay finite and steady?"""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain, islice
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.recurrent_units import layer_outputs, without_cudnn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

WEIGHT_LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.RNNBase,
)
# Tolerant on purpose: adaptive optimisers rescale each layer, so 2 decades do not hurt them.
HEALTHY_DECADES, BROKEN_DECADES = 2.0, 6.0
SPIKE_FACTOR = 10.0
SPIKE_WINDOW = 20
MIN_SPIKE_WINDOW = 5
WORST_SPIKE_RATE = 0.1


def signal_profile(network: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, float]:
    """Return delta_l = ||dL/dz_l||_2 at every weight layer's output z_l, in forward order.

    A recurrent layer's output is all of its states h_t; those of padding have no gradient. What
    reaches them as sequence and as last states counts together.

    L is the mean cross-entropy. Parameter gradients would hide the problem: their forward and
    backward shrinkage cancel (after Glorot & Bengio 2010, who plot back-propagated activations).

    Args:
        network: Maps inputs to logits [P, classes]; its `.grad` is not touched.
        inputs: What the network takes, [P, ...].
        labels: int64 [P].

    Returns:
        Norms by layer name; a layer that is called again has "#2" appended. A layer that no
        gradient reaches (detached, or all before it frozen) is left out.
    """
    loss, edges = _loss_and_edges(network, inputs, labels)
    if not edges:
        return {}
    flat = list(chain.from_iterable(edges.values()))
    gradients: Iterator[Tensor | None] = iter(torch.autograd.grad(loss, flat, allow_unused=True))
    reached = {
        name: [g.flatten() for g in islice(gradients, len(found)) if g is not None]
        for name, found in edges.items()
    }
    reached = {name: found for name, found in reached.items() if found}
    if not reached:
        return {}
    norms = torch.stack([_norm(torch.cat(found)) for found in reached.values()]).tolist()
    return dict(zip(reached, norms, strict=True))


def _loss_and_edges(
    network: nn.Module, inputs: Tensor, labels: Tensor
) -> tuple[Tensor, dict[str, list[GradientEdge]]]:
    """Return the loss, and where in its graph each weight layer's outputs are."""
    edges: dict[str, list[GradientEdge]] = {}
    calls: Counter[str] = Counter()

    def watch(name: str) -> Any:
        def keep_edge(_module: nn.Module, _args: Any, output: Any) -> None:
            # The edge names the graph's place, not the tensor: an in-place activation that
            # follows may overwrite the output, and nothing is kept alive by it.
            calls[name] += 1
            found = [get_gradient_edge(z) for z in layer_outputs(output) if z.requires_grad]
            if found:
                edges[name if calls[name] == 1 else f"{name}#{calls[name]}"] = found

        return keep_edge

    handles = [
        module.register_forward_hook(watch(name))
        for name, module in network.named_modules()
        if isinstance(module, WEIGHT_LAYERS)
    ]
    try:
        with without_cudnn(network):
            loss = nn.functional.cross_entropy(network(inputs), labels)
    finally:
        for handle in handles:
            handle.remove()
    return loss, edges


def _norm(gradient: Tensor) -> Tensor:
    """Two-norm in float32 that neither under- nor overflows in the squares."""
    gradient = gradient.float()
    peak = gradient.abs().amax()
    scale = peak.clamp_min(torch.finfo(torch.float32).tiny)
    return torch.mul(peak, torch.linalg.vector_norm(gradient / scale))


def depth_decades(profile: Mapping[str, float]) -> dict[str, float]:
    """Return log10(delta_l / delta_D) per layer, D the last; all of them finite and above 0."""
    last = math.log10(list(profile.values())[-1])
    return {name: math.log10(delta) - last for name, delta in profile.items()}


def depth_score(profile: Mapping[str, float]) -> float:
    """Return min(V, X) in 0..1: how little the signal vanishes or explodes on its way back.

    V = 1 - R(-min decades; 2, 6) and X = 1 - R(max decades; 2, 6), R the linear ramp. A delta that
    is 0 or not finite scores 0.
    """
    if not all(math.isfinite(delta) and delta > 0.0 for delta in profile.values()):
        return 0.0
    worst = max(abs(decades) for decades in depth_decades(profile).values())
    return 1.0 - _ramp(worst, HEALTHY_DECADES, BROKEN_DECADES)


def finite_share(norms: Sequence[float]) -> float:
    """Return F: the share of sampled steps with a finite gradient norm."""
    return sum(map(math.isfinite, norms)) / len(norms)


def spike_share(norms: Sequence[float]) -> float:
    """Return the share of finite norms above 10 times the median of the (up to) 20 before.

    The first 5 have too little before them and are not judged; non-finite ones count elsewhere.
    """
    finite = [norm for norm in norms if math.isfinite(norm)]
    judged = range(MIN_SPIKE_WINDOW, len(finite))
    spikes = sum(
        finite[t] > SPIKE_FACTOR * median(finite[max(0, t - SPIKE_WINDOW) : t]) for t in judged
    )
    return spikes / len(judged) if judged else 0.0


def _ramp(value: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (value - start) / (end - start)))


class GradientHealth:
    """F * min(V, X) * E: finite steps, the depth profile's median over epochs, and no spikes.

    1 is within 2 decades across depth, finite and steady; 0 is 6 decades, nothing finite, or a
    spike in every tenth sampled step. None with fewer than two weight layers or no sampled step.
    """

    def observe(self, probe: Probe) -> dict[str, Any]:
        """Measure the signal profile: one forward and one backward pass of the gradient probe."""
        profile = signal_profile(probe.network, probe.gradient_inputs, probe.gradient_labels)
        if len(profile) < 2:  # noqa: PLR2004 - a ratio needs two layers
            return {"layers": len(profile), "score": None, "decades": {}}
        measured = {n: d for n, d in profile.items() if math.isfinite(d) and d > 0.0}
        comparable = list(profile)[-1] in measured
        decades = depth_decades(measured) if comparable else {}
        return {
            "layers": len(profile),
            "score": depth_score(profile),
            "decades": {name: decades.get(name) for name in profile},
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the profiles of all epochs and the gradient norms of all sampled steps."""
        seen = [observed for observed in record.observations if observed is not None]
        profiles = [observed["score"] for observed in seen if observed["score"] is not None]
        if not profiles:
            layers = seen[-1]["layers"] if seen else 0
            reason = f"needs two weight layers that a gradient reaches, found {layers}"
            return HealthReading(reason=reason, applies=not seen)
        if not record.gradient_norms:
            return HealthReading(reason="no gradient norm was sampled")
        depth, finite = median(profiles), finite_share(record.gradient_norms)
        spikes = spike_share(record.gradient_norms)
        details = {
            "depth": depth,
            "finite_share": finite,
            "spike_share": spikes,
            "decades": seen[-1]["decades"],
            "worst_layer": _worst_layer(seen[-1]["decades"]),
        }
        steadiness = 1.0 - _ramp(spikes, 0.0, WORST_SPIKE_RATE)
        return HealthReading(value=finite * depth * steadiness, details=details)


def _worst_layer(decades: Mapping[str, float | None]) -> str | None:
    """The layer farthest from the last one's scale; one that could not be measured is worst."""
    if not decades:
        return None
    return max(decades, key=lambda name: math.inf if (d := decades[name]) is None else abs(d))
