"""A health metric: do layers compute from their inputs, or from their biases?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from hpo_torch.plugin_api import Probe, TrainingRecord


class BiasSmallness:
    """The weights' share of a layer's squared parameters, averaged over the layers with a bias.

    For each convolution and linear layer: sum(W^2) / (sum(W^2) + sum(b^2)). 1: no layer uses its
    bias; towards 0: outputs hardly depend on inputs. The kept epoch's weights count.
    """

    def observe(self, probe: Probe) -> dict[str, float]:
        """Return each layer's share, by the layer's name."""
        return {
            name: weight_share(module)
            for name, module in probe.network.named_modules()
            if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Average the layers' shares at the kept epoch."""
        layers: dict[str, float] = record.observations[record.kept_epoch]
        if not layers:
            return HealthReading(reason="no convolution or linear layer has a bias")
        return HealthReading(value=sum(layers.values()) / len(layers), details={"layers": layers})


def weight_share(layer: nn.Linear | nn.Conv2d) -> float:
    """Return sum(W^2) / (sum(W^2) + sum(b^2)); 1 where all are 0, 0 where one is not finite."""
    weights = layer.weight.detach().float().square().sum().item()
    biases = 0.0 if layer.bias is None else layer.bias.detach().float().square().sum().item()
    if not math.isfinite(weights + biases):
        return 0.0
    return weights / (weights + biases) if weights + biases > 0.0 else 1.0
