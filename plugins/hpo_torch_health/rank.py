"""Rank: how many directions the last features before the output really use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.probe_answers import CHUNK_EXAMPLES, answers

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

_MATRIX = 2  # dimensions
_TWO_CLASSES = 2
_ROUNDING = 1e-7


def penultimate_features(network: nn.Module, inputs: Tensor) -> Tensor | None:
    """Return the input [P, H] of the linear layer that is called last.

    Args:
        network: In eval mode.
        inputs: The probe [P, ...].

    Returns:
        None where the network has no `nn.Linear`, or the last one's input is no matrix.
    """
    linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linears:
        return None
    last: list[Tensor] = []
    found: list[Tensor] = []

    def see(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        last[:] = args[:1]

    handles = [linear.register_forward_pre_hook(see) for linear in linears]
    try:
        with torch.no_grad():
            for chunk in torch.split(inputs, CHUNK_EXAMPLES):
                network(chunk)
                found += last
    finally:
        for handle in handles:
            handle.remove()
    return torch.cat(found) if found and found[0].ndim == _MATRIX else None


def gram_values(matrix: Tensor) -> Tensor:
    """Return the squared singular values, ascending, of a matrix [n, m].

    As the smaller Gram matrix' eigenvalues: a tenth of an SVD's time, exact to the dtype's rounding
    of the largest. What is not finite counts as 0.
    """
    gram = matrix.T @ matrix if matrix.shape[0] > matrix.shape[1] else matrix @ matrix.T
    values: Tensor = torch.linalg.eigvalsh(gram.nan_to_num(0.0, 0.0, 0.0))
    return values.clamp_min(0.0)


def effective_rank(features: Tensor) -> float:
    """Return exp(entropy of sigma / sum sigma) of the centred features (Roy & Vetterli 2007).

    Args:
        features: [n, H].

    Returns:
        1 (one direction) to min(n - 1, H); 0 where all features are the same or not finite.
    """
    features = features.double()
    sigma = gram_values(features - features.mean(0)).sqrt()
    # The roots of what rounding leaves are 1e-8 of the largest.
    sigma = sigma.where(sigma > _ROUNDING * features.norm(), 0.0)
    share = (sigma / sigma.sum()).nan_to_num(0.0)
    rank = torch.special.entr(share).sum().exp() * (share.sum() > 0)
    return float(rank)


def stable_ranks(network: nn.Module) -> dict[str, float | None]:
    """Return ||W||_F^2 / ||W||_2^2 of every weight [out, ...] by name.

    1 (one direction) to min(out, in); None where the weight is 0 or not finite.
    """
    named = [
        (n, p.detach().flatten(1))
        for n, p in network.named_parameters()
        if p.ndim >= _MATRIX and p.numel()
    ]
    rows = [torch.stack((w.float().square().sum(), gram_values(w.float())[-1])) for _, w in named]
    both = torch.stack(rows).tolist() if rows else []
    return {
        name: whole / largest if math.isfinite(whole) and largest > 0.0 else None
        for (name, _), (whole, largest) in zip(named, both, strict=True)
    }


class Rank:
    """clip((effective rank - 1) / (min(C - 1, H, n - 1) - 1), 0, 1) of the kept epoch.

    C classes, H features, n probe examples. Divided by C - 1 and not by the width: the features of
    a good classifier collapse to C - 1 directions (Papyan et al. 2020), so that a share of the
    width would punish it. None for two classes, where one direction is all that is needed. Not part
    of the score: the link to accuracy fades in hyperparameter sweeps (arXiv 2207.02099).
    """

    def observe(self, probe: Probe) -> dict[str, Any]:
        """Measure features and weights: one forward pass and small eigenvalue problems."""
        observed: dict[str, Any] = {
            "stable_rank": stable_ranks(probe.network),
            "classes": answers(probe.network, probe.inputs[:1]).shape[1],
        }
        if observed["classes"] <= _TWO_CLASSES:
            return observed
        features = penultimate_features(probe.network, probe.inputs)
        if features is not None:
            observed |= {
                "effective_rank": effective_rank(features),
                "features": features.shape[1],
                "examples": len(features),
            }
        return observed

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's features."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="the kept epoch could not be observed")
        reason = _why_not(kept)
        if reason is not None:
            return HealthReading(reason=reason, applies=False, details=kept)
        needed = min(kept["classes"] - 1, kept["features"], kept["examples"] - 1)
        value = (kept["effective_rank"] - 1.0) / (needed - 1.0)
        return HealthReading(value=min(1.0, max(0.0, value)), details=kept)


def _why_not(observed: dict[str, Any]) -> str | None:
    if observed["classes"] <= _TWO_CLASSES:
        return "two classes need one direction only"
    if "effective_rank" not in observed:
        return "the network does not end in an nn.Linear"
    if min(observed["features"], observed["examples"] - 1) <= 1:
        return "needs two features and three probe examples"
    return None
